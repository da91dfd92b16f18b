import type { IncomingMessage, Server } from 'node:http';
import type { ContainerdFinding } from '../../fleet/node-status.ts';

/** Corrects the finding from containerd's configuration by the requests seen. */
export type JudgeByEvidence = (read: ContainerdFinding) => ContainerdFinding;

/**
 * Settles an open finding (`Unknown`, `List`) by requests: a containerd that asks the relay for an upstream has read the agent's files.
 * Requests from before the current finding prove nothing. A clear negative finding stands, because `ctr` asks like containerd.
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
 * True for a containerd built as such: its user agent names the version. A program that embeds its code, such as nerdctl, sends `+unknown`
 * (containerd's version/version.go: the version is set when its own programs are linked).
 */
function isFromContainerd({ headers, url = '' }: IncomingMessage): boolean {
  const agent = headers['user-agent'] ?? '';
  return agent.startsWith('containerd/') && !agent.includes('+unknown') && /[?&]ns=/.test(url);
}
