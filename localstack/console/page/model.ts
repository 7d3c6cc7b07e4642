/** What the views ask of an execution's steps. Pure. */
import type { Change, Execution, Frame, Status, Step } from "./types";

export interface Known {
  execution: Execution;
  steps: Map<number, Step>;
  frames: Map<number, Frame>;
}

export function merge(before: Known | null, change: Change): Known {
  const fresh = before === null || change.reset;
  const steps = fresh ? new Map<number, Step>() : new Map(before.steps);
  const frames = fresh ? new Map<number, Frame>() : new Map(before.frames);
  for (const step of change.steps) steps.set(step.id, step);
  for (const frame of change.frames) frames.set(frame.id, frame);
  return { execution: change.execution, steps, frames };
}

/** Which iteration of each Map is looked at, by the Map's name; without an entry, all of them. */
export type Picks = Record<string, number>;

/** Worst first: what several visits of a state come to. */
const ORDER: Status[] = ["RUNNING", "RETRYING", "FAILED", "TIMED_OUT", "ABORTED", "CAUGHT", "SUCCEEDED"];

export interface Look {
  status: Status | "NONE";
  /** The steps that the node stands for, oldest first. */
  steps: Step[];
  retries: number;
  redriven: boolean;
  caught: boolean;
}

export const NOTHING: Look = { status: "NONE", steps: [], retries: 0, redriven: false, caught: false };

/** True if a frame is inside of the iterations that were picked. */
function isPicked(frame: number, known: Known, picks: Picks): boolean {
  let at = known.frames.get(frame);
  while (at && at.step !== null) {
    const owner = known.steps.get(at.step);
    if (!owner) return false;
    const pick = picks[owner.state];
    if (pick !== undefined && pick !== at.id) return false;
    at = known.frames.get(owner.frame);
  }
  return true;
}

/** How every state looks, and which ways were taken (`from→to`, or `from⇢to` by a Catch). */
export function looks(known: Known, picks: Picks): { states: Map<string, Look>; taken: Set<string> } {
  const states = new Map<string, Look>();
  const taken = new Set<string>();
  const before = new Map<number, Step>();
  const newest = new Map<string, Map<number, Step>>();
  const frames = new Map<number, boolean>();
  for (const step of [...known.steps.values()].sort((a, b) => a.id - b.id)) {
    let picked = frames.get(step.frame);
    if (picked === undefined) frames.set(step.frame, (picked = isPicked(step.frame, known, picks)));
    if (!picked) continue;
    const look = states.get(step.state) ?? { ...NOTHING, steps: [] };
    look.steps.push(step);
    look.retries += step.retries;
    look.redriven ||= step.redriven > 0;
    look.caught ||= step.status === "CAUGHT";
    states.set(step.state, look);
    let inFrames = newest.get(step.state);
    if (!inFrames) newest.set(step.state, (inFrames = new Map()));
    inFrames.set(step.frame, step);
    const from = before.get(step.frame);
    taken.add(`${from?.state ?? ""}${from?.status === "CAUGHT" ? "⇢" : "→"}${step.state}`);
    before.set(step.frame, step);
  }
  for (const [name, look] of states) {
    const current = [...(newest.get(name)?.values() ?? [])].map((step) => step.status);
    look.status = ORDER.find((status) => current.includes(status)) ?? "NONE";
  }
  return { states, taken };
}

/** The iterations of a Map, by visit, oldest first. */
export function iterations(known: Known, map: string): { visit: Step; frames: Frame[] }[] {
  const visits = [...known.steps.values()].filter((step) => step.state === map).sort((a, b) => a.id - b.id);
  return visits.map((visit) => ({
    visit,
    frames: [...known.frames.values()].filter((frame) => frame.step === visit.id).sort((a, b) => a.index - b.index),
  }));
}

export const frameLabel = (frame: Frame) => frame.label || `Item ${frame.index + 1}`;

/** `SellWave · Leg 1 · SELL …` for a step inside of an iteration, "" outside. */
export function whereabouts(known: Known, step: Step): string {
  const frame = known.frames.get(step.frame);
  if (!frame || frame.step === null) return "";
  const owner = known.steps.get(frame.step);
  return owner ? [whereabouts(known, owner), frameLabel(frame)].filter(Boolean).join(" › ") : "";
}

/** One line of the table: a step, or the heading of an iteration. */
export type TableRow =
  | { kind: "step"; key: string; depth: number; step: Step }
  | { kind: "frame"; key: string; depth: number; frame: Frame; steps: number };

/** Steps in order, those of an iteration below its heading. */
export function tableRows(known: Known, closed: Set<number>): TableRow[] {
  const inFrame = new Map<number, Step[]>();
  for (const step of [...known.steps.values()].sort((a, b) => a.id - b.id)) {
    const list = inFrame.get(step.frame);
    if (list) list.push(step);
    else inFrame.set(step.frame, [step]);
  }
  const inStep = new Map<number, Frame[]>();
  for (const frame of [...known.frames.values()].sort((a, b) => a.index - b.index))
    if (frame.step !== null) inStep.set(frame.step, [...(inStep.get(frame.step) ?? []), frame]);
  const rows: TableRow[] = [];
  const walk = (frame: number, depth: number) => {
    for (const step of inFrame.get(frame) ?? []) {
      rows.push({ kind: "step", key: `s${step.id}`, depth, step });
      for (const each of inStep.get(step.id) ?? []) {
        rows.push({ kind: "frame", key: `f${each.id}`, depth: depth + 1, frame: each, steps: inFrame.get(each.id)?.length ?? 0 });
        if (!closed.has(each.id)) walk(each.id, depth + 2);
      }
    }
  };
  walk(0, 0);
  return rows;
}

/** Maps time to 0..1. Times in which everything only waits are drawn short, so that work can be seen. */
export function timeAxis(known: Known, now: number): { place: (at: number) => number; gaps: [number, number][] } {
  const works = [...known.steps.values()]
    .filter((step) => step.kind !== "Wait" && step.kind !== "Map" && step.kind !== "Parallel")
    .map((step): [number, number] => [step.entered, step.left ?? (isOver(step.status) ? step.entered : now)])
    .sort((a, b) => a[0] - b[0]);
  const spans: [number, number][] = [];
  for (const [from, to] of works) {
    const last = spans[spans.length - 1];
    if (last && from <= last[1] + 0.25) last[1] = Math.max(last[1], to);
    else spans.push([from, to]);
  }
  const first = spans[0]?.[0] ?? now;
  const busy = spans.reduce((sum, [from, to]) => sum + Math.max(0.05, to - from), 0);
  const gapShare = Math.min(0.06, 0.4 / Math.max(1, spans.length - 1));
  const room = 1 - gapShare * Math.max(0, spans.length - 1);
  const knots: [number, number][] = [];
  const gaps: [number, number][] = [];
  let at = 0;
  spans.forEach(([from, to], index) => {
    knots.push([from, at]);
    at += (Math.max(0.05, to - from) / (busy || 1)) * room;
    knots.push([Math.max(to, from + 0.0001), at]);
    if (index < spans.length - 1) gaps.push([at, at + gapShare]);
    at += gapShare;
  });
  const place = (moment: number) => {
    if (moment <= first || knots.length === 0) return 0;
    for (let i = 1; i < knots.length; i++) {
      const [t0, x0] = knots[i - 1] as [number, number];
      const [t1, x1] = knots[i] as [number, number];
      if (moment <= t1) return x0 + ((moment - t0) / (t1 - t0 || 1)) * (x1 - x0);
    }
    return 1;
  };
  return { place, gaps };
}

export const isOver = (status: Status) => status !== "RUNNING" && status !== "RETRYING";
