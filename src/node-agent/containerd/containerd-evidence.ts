import type { IncomingMessage, Server } from 'node:http';
import type { ContainerdFinding } from './containerd-check.ts';

/** What is to be said of containerd, given what its configuration says. */
export type JudgeByEvidence = (read: ContainerdFinding) => ContainerdFinding;

/**
 * Lets requests settle what a configuration leaves open (`Unknown`, `List`): a containerd that asks the relay for an upstream has
 * read our files. Who asked before the configuration came to say what it says proves nothing. A configuration that says no is believed: other
 * programs of the node, nerdctl among them, ask like containerd.
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

function isFromContainerd({ headers, url = '' }: IncomingMessage): boolean {
  return (headers['user-agent'] ?? '').startsWith('containerd/') && /[?&]ns=/.test(url);
}
