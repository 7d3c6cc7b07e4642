/** How things are said: times in India, durations, rupees, statuses. */
import type { Facts, Status } from "./types";

const zone = { timeZone: "Asia/Kolkata" } as const;
const clockFormat = new Intl.DateTimeFormat("en-GB", { ...zone, hour: "2-digit", minute: "2-digit", second: "2-digit" });
const minuteFormat = new Intl.DateTimeFormat("en-GB", { ...zone, hour: "2-digit", minute: "2-digit" });
const dayFormat = new Intl.DateTimeFormat("en-GB", { ...zone, day: "2-digit", month: "short" });
const isoFormat = new Intl.DateTimeFormat("en-CA", { ...zone, year: "numeric", month: "2-digit", day: "2-digit" });
const rupeeFormat = new Intl.NumberFormat("en-IN", { minimumFractionDigits: 2, maximumFractionDigits: 2 });

export const clock = (at: number) => clockFormat.format(at * 1000);
export const minute = (at: number) => minuteFormat.format(at * 1000);
export const day = (at: number) => dayFormat.format(at * 1000);
export const isoDay = (at: number) => isoFormat.format(at * 1000);
export const millis = (at: number) => `${clock(at)}.${String(Math.floor((at % 1) * 1000)).padStart(3, "0")}`;

export function duration(seconds: number): string {
  if (seconds < 0) return "0 ms";
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  const whole = Math.round(seconds);
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${whole % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export const price = (text: string | number) => rupeeFormat.format(Number(text));

export function rupees(text: string): string {
  const value = Number(text);
  return `${value < 0 ? "−" : value > 0 ? "+" : ""}₹${rupeeFormat.format(Math.abs(value))}`;
}

const statusWords: Record<Status, string> = {
  RUNNING: "Running",
  RETRYING: "Retrying",
  SUCCEEDED: "Succeeded",
  CAUGHT: "Caught error",
  FAILED: "Failed",
  TIMED_OUT: "Timed out",
  ABORTED: "Stopped",
  PENDING_REDRIVE: "Pending redrive",
};
export const statusWord = (status: Status) => statusWords[status] ?? status;
export const statusClass = (status: Status | "NONE") => `st-${status.toLowerCase().replace("_", "-")}`;

/** `bn-straddle · entry · ZA1234`, or "" where nothing says what it is about. */
export function subject(facts: Facts): string {
  return [facts.strategy, facts.side.toLowerCase(), facts.account].filter(Boolean).join(" · ");
}

/** `algo-AccountBasket` as people say it. */
export const machineWord = (name: string) => name.replace(/^.*:/, "").replace(/^algo-/, "");

export const times = (count: number) => (count === 1 ? "once" : `${count} times`);

export const plural = (count: number, one: string, many = `${one}s`) => `${count.toLocaleString("en-IN")} ${count === 1 ? one : many}`;
