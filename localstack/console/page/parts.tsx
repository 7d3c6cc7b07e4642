/** Small parts that several views use. */
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { statusClass, statusWord } from "./format";
import { Icon, statusIcon } from "./icons";
import type { Status } from "./types";

export function StatusPill({ status }: { status: Status }) {
  return (
    <span class={`pill ${statusClass(status)}`}>
      <Icon name={statusIcon(status)} size={14} />
      {statusWord(status)}
    </span>
  );
}

export function Notice({ children, kind = "info" }: { children: ComponentChildren; kind?: "info" | "bad" }) {
  return (
    <p class={`notice ${kind}`} role={kind === "bad" ? "alert" : undefined}>
      {children}
    </p>
  );
}

/** JSON or other text of a step. */
export function Data({ text, empty = "Nothing" }: { text: string | null; empty?: string }) {
  if (text === null || text === "") return <p class="muted">{empty}</p>;
  return (
    <pre class="data" tabIndex={0}>
      {text}
    </pre>
  );
}

export interface Tab<T extends string> {
  id: T;
  label: string;
}

/** Tabs that arrow keys move between. */
export function Tabs<T extends string>(props: { name: string; tabs: Tab<T>[]; chosen: T; choose: (id: T) => void; panel: string }) {
  const list = useRef<HTMLDivElement>(null);
  const move = (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const at = props.tabs.findIndex((tab) => tab.id === props.chosen);
    const next = props.tabs[(at + step + props.tabs.length) % props.tabs.length];
    if (!next) return;
    props.choose(next.id);
    list.current?.querySelector<HTMLElement>(`[data-tab="${next.id}"]`)?.focus();
  };
  return (
    <div class="tabs" role="tablist" aria-label={props.name} ref={list} onKeyDown={move}>
      {props.tabs.map((tab) => (
        <button
          key={tab.id}
          type="button"
          role="tab"
          id={`${props.panel}-${tab.id}`}
          data-tab={tab.id}
          aria-selected={tab.id === props.chosen}
          aria-controls={props.panel}
          tabIndex={tab.id === props.chosen ? 0 : -1}
          onClick={() => props.choose(tab.id)}
        >
          {tab.label}
        </button>
      ))}
    </div>
  );
}

/** The slice of a long list that can be seen, so that a thousand rows cost as much as thirty. */
export function useSlice(count: number, rowHeight: number, over = 8) {
  const scroller = useRef<HTMLDivElement>(null);
  const [range, setRange] = useState({ from: 0, to: 40 });
  useLayoutEffect(() => {
    const box = scroller.current;
    if (box === null) return;
    const look = () => {
      const from = Math.max(0, Math.floor(box.scrollTop / rowHeight) - over);
      const to = Math.ceil((box.scrollTop + box.clientHeight) / rowHeight) + over;
      setRange((now) => (now.from === from && now.to === to ? now : { from, to }));
    };
    look();
    const observer = new ResizeObserver(look);
    observer.observe(box);
    box.addEventListener("scroll", look, { passive: true });
    return () => {
      observer.disconnect();
      box.removeEventListener("scroll", look);
    };
  }, [rowHeight, over]);
  const to = Math.min(count, range.to);
  const from = Math.min(range.from, Math.max(0, to - 1));
  return { scroller, from, to, above: from * rowHeight, below: (count - to) * rowHeight };
}

/** Arrow keys move between the rows of a table whose main control is `[data-row]`. */
export function moveBetweenRows(event: KeyboardEvent) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const row = (event.target as HTMLElement).closest<HTMLElement>("[data-row]");
  if (step === undefined || row === null) return;
  const rows = [...(event.currentTarget as HTMLElement).querySelectorAll<HTMLElement>("[data-row]")];
  const next = rows[rows.indexOf(row) + step];
  if (!next) return;
  event.preventDefault();
  next.focus();
  next.scrollIntoView({ block: "nearest" });
}

/** Seconds since the epoch on the platform's clock, ticking while something runs. */
export function useNow(told: number | undefined, ticking: boolean): number {
  const offset = useRef(0);
  const [now, setNow] = useState(told ?? Date.now() / 1000);
  if (told !== undefined) offset.current = told - (offset.current === 0 ? Date.now() / 1000 : Date.now() / 1000);
  useEffect(() => {
    if (!ticking) return;
    const timer = window.setInterval(() => setNow(Date.now() / 1000 + offset.current), 500);
    return () => window.clearInterval(timer);
  }, [ticking]);
  return ticking ? Math.max(now, told ?? 0) : (told ?? now);
}
