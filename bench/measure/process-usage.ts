import { readFileSync } from 'node:fs';

/** Linux counts CPU time in hundredths of a second (USER_HZ), whatever the kernel's own tick is. */
const TICKS_PER_SECOND = 100;

/** Reads the CPU seconds, user and system, that a process and its children have used: proc(5), `/proc/<pid>/stat`. */
export function cpuSeconds(pid: number): number {
  return sum(family(pid), (member) => {
    // The name in parentheses may contain any character. The first field after it is field 3.
    const stat = readFileSync(`/proc/${member}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [utime, stime, endedChildrenUtime, endedChildrenStime] = fields.slice(11, 15).map(Number);
    return (utime! + stime! + endedChildrenUtime! + endedChildrenStime!) / TICKS_PER_SECOND;
  });
}

/** Reads the peak resident memory of a process and its children in megabytes: `VmHWM`. Shared pages count for each process. */
export function peakMegabytes(pid: number): number {
  return megabytes(pid, /^VmHWM:\s+(\d+) kB$/m);
}

/** Reads the current resident memory of a process and its children in megabytes: `VmRSS`. Shared pages count for each process. */
export function residentMegabytes(pid: number): number {
  return megabytes(pid, /^VmRSS:\s+(\d+) kB$/m);
}

function megabytes(pid: number, field: RegExp): number {
  return sum(family(pid), (member) => {
    const kibibytes = field.exec(readFileSync(`/proc/${member}/status`, 'utf8'))?.[1];
    return (Number(kibibytes) * 1024) / 1e6;
  });
}

function family(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
  return [pid, ...children.flatMap((child) => family(Number(child)))];
}

function sum(pids: readonly number[], of: (pid: number) => number): number {
  return pids.reduce((total, pid) => total + of(pid), 0);
}
