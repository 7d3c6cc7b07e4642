/** Icons of our own, drawn on a grid of 16. They say nothing to a screen reader: words beside them do. */
import type { Status } from "./types";

const paths = {
  check: "M3 8.5l3.2 3.2L13 4.8",
  cross: "M4 4l8 8M12 4l-8 8",
  dot: "M8 5.5a2.5 2.5 0 100 5 2.5 2.5 0 000-5z",
  clock: "M8 2.2a5.8 5.8 0 100 11.6A5.8 5.8 0 008 2.2zM8 4.8V8l2.2 1.6",
  stop: "M4.5 4.5h7v7h-7z",
  catch: "M8 2.5l6 11H2zM8 6.5v3.2M8 11.6v.2",
  retry: "M12.8 8a4.8 4.8 0 11-1.6-3.6M11.6 1.8v2.9H8.7",
  redrive: "M3 8a5 5 0 018.6-3.5L13 6M13 2.6V6H9.6M13 8a5 5 0 01-8.6 3.5L3 10M3 13.4V10h3.4",
  play: "M5 3.2l7.5 4.8L5 12.8z",
  plus: "M8 3v10M3 8h10",
  minus: "M3 8h10",
  fit: "M2.5 6V2.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10",
  left: "M10 3L5 8l5 5",
  right: "M6 3l5 5-5 5",
  down: "M3 6l5 5 5-5",
  up: "M3 10l5-5 5 5",
  out: "M6 3.5H3.5v9h9V10M9 3.5h3.5V7M12.5 3.5L7.5 8.5",
  sun: "M8 5.2a2.8 2.8 0 100 5.6 2.8 2.8 0 000-5.6zM8 1.2v1.6M8 13.2v1.6M1.2 8h1.6M13.2 8h1.6M3.2 3.2l1.1 1.1M11.7 11.7l1.1 1.1M12.8 3.2l-1.1 1.1M4.3 11.7l-1.1 1.1",
  moon: "M13.2 9.6A5.6 5.6 0 016.4 2.8a5.6 5.6 0 106.8 6.8z",
  search: "M7 2.8a4.2 4.2 0 100 8.4 4.2 4.2 0 000-8.4zM10.2 10.2l3.3 3.3",
  task: "M9 1.8L3.6 9H8l-1 5.2L12.4 7H8z",
  choice: "M8 2l6 6-6 6-6-6z",
  wait: "M8 2.2a5.8 5.8 0 100 11.6A5.8 5.8 0 008 2.2zM8 4.8V8l2.2 1.6",
  pass: "M2.5 8h10M9 4.5L12.5 8 9 11.5",
  map: "M2.5 3h11M2.5 3v10M2.5 8h11M2.5 13h11M13.5 3v10",
  parallel: "M4 2.5v11M8 2.5v11M12 2.5v11",
  succeed: "M8 2.2a5.8 5.8 0 100 11.6A5.8 5.8 0 008 2.2zM5.4 8.2l1.8 1.8 3.4-3.8",
  fail: "M8 2.2a5.8 5.8 0 100 11.6A5.8 5.8 0 008 2.2zM5.9 5.9l4.2 4.2M10.1 5.9l-4.2 4.2",
  login: "M9.5 2.5h4v11h-4M2.5 8h7M6.5 5L9.5 8l-3 3",
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg class="icon" width={size} height={size} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={paths[name]} fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round" />
    </svg>
  );
}

export const kindIcon = (kind: string): IconName => {
  const name = kind.toLowerCase();
  return name in paths ? (name as IconName) : "task";
};

const byStatus: Record<Status, IconName> = {
  RUNNING: "dot",
  RETRYING: "retry",
  SUCCEEDED: "check",
  CAUGHT: "catch",
  FAILED: "cross",
  TIMED_OUT: "clock",
  ABORTED: "stop",
  PENDING_REDRIVE: "redrive",
};
export const statusIcon = (status: Status): IconName => byStatus[status] ?? "dot";
