import type { IncomingMessage, Server } from 'node:http';
import type { ContainerdFinding } from '../../fleet/node-status.ts';

/** What is to be said of containerd, given what its configuration says. */
export type JudgeByEvidence = (read: ContainerdFinding) => ContainerdFinding;

/**
 * Lets requests settle what a configuration leaves open (`Unknown`, `List`): a containerd that asks the relay for an upstream has
 * read our files. Who asked before the configuration came to say what it says proves nothing. A configuration that says no is believed: `ctr`
 * asks like containerd.
 */
export function createEvidence(relay: Server): JudgeByEvidence {
  let hasAsked = false;
  let lastMessage = '';
  relay.on('request', (request: IncomingMessage) => {
    hasAsked ||= isFromContainerd(request);
  });

  return function judge(read) {
    if (read.message !== lastMessage) hasAsked = false;
    lastMessage = read.message;
    const isOpen = read.state === 'Unknown' || read.state === 'List';
    return isOpen && hasAsked ? { state: 'Set', message: '' } : read;
  };
}

/**
 * A containerd that was built as one says which it is. A program that has its code built in, such as nerdctl, says `+unknown`
 * (version/version.go of containerd: the version is set when its own programs are linked).
 */
function isFromContainerd({ headers, url = '' }: IncomingMessage): boolean {
  const agent = headers['user-agent'] ?? '';
  return agent.startsWith('containerd/') && !agent.includes('+unknown') && /[?&]ns=/.test(url);
}
