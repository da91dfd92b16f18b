/**
 * Returns a shell command that sends a signal to all processes of its process namespace whose command line has `text` in it, but for the shell itself. It
 * never fails. `text` has no quotes. Not every Debian has `pkill`, and its busybox has none.
 */
export function signalAll(signal: NodeJS.Signals, text: string): string {
  return [
    'for process in /proc/[0-9]*; do',
    '  [ "$process" = "/proc/$$" ] && continue',
    `  case "$(tr '\\0' ' ' 2>/dev/null <"$process/cmdline")" in`,
    `    *'${text}'*) kill -s ${signal.slice('SIG'.length)} "\${process#/proc/}" 2>/dev/null || true ;;`,
    '  esac',
    'done',
  ].join('\n');
}
