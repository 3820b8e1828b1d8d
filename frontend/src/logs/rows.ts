/// Which lines of a log are on the screen, and how high each is. A line's height follows from its length, so that what
/// is scrolled into sight stands where it was expected; a line that is higher all the same (other scripts, tabs) is
/// measured once it is there, all of a screen at once.
import { elementScroll, observeElementOffset, observeElementRect, Virtualizer, type VirtualizerOptions } from "@tanstack/react-virtual";
import { type RefObject, useCallback, useEffect, useLayoutEffect, useReducer, useState } from "react";
import { flushSync } from "react-dom";

type Rows = Virtualizer<HTMLDivElement, HTMLDivElement>;
type Given = "observeElementRect" | "observeElementOffset" | "scrollToFn" | "onChange";

/** While rows are measured, all of them at once and in a commit. */
let isMeasuring = false;

/** As the library's own hook, but for measuring: one that watches each row by itself takes longer than to lay it out. */
export function useRows(options: Omit<VirtualizerOptions<HTMLDivElement, HTMLDivElement>, Given>) {
  const rerender = useReducer((count: number) => count + 1, 0)[1];
  const whole = {
    ...options,
    observeElementRect,
    observeElementOffset,
    scrollToFn: elementScroll,
    // What is scrolled into sight must be there with the same paint; what a commit measures comes with its own.
    onChange: (_: Rows, sync: boolean) => (sync && !isMeasuring ? flushSync(rerender) : rerender()),
  };
  const [rows] = useState(() => new Virtualizer(whole));
  rows.setOptions(whole);
  // oxlint-disable-next-line no-underscore-dangle -- what the library has for hooks is named so
  useLayoutEffect(() => rows._didMount(), [rows]);
  // oxlint-disable-next-line no-underscore-dangle -- as above
  useLayoutEffect(() => rows._willUpdate());

  /** Compares the rows in an element with what they were thought to be. */
  const measure = useCallback(
    (list: HTMLElement | null) => {
      const wrong: [index: number, height: number][] = [];
      for (const row of list?.children ?? []) {
        if (!(row instanceof HTMLElement)) continue;
        const index = Number(row.dataset["index"]);
        const { offsetHeight: height } = row;
        if (height > 0 && height !== Number(row.dataset["height"])) wrong.push([index, height]);
      }
      isMeasuring = true;
      for (const [index, height] of wrong) rows.resizeItem(index, height);
      isMeasuring = false;
    },
    [rows],
  );
  return [rows, measure] as const;
}

const LEAST_COLUMNS = 20;

/** How many characters of its own font fit into a line of an element, beside so many pixels and characters. */
export function useColumns(element: RefObject<HTMLElement | null>, besidePixels: number, besideCharacters: number): number {
  const [{ width, character }, setSize] = useState({ width: 0, character: 1 });
  useEffect(() => {
    const { current } = element;
    if (!current) return;
    const look = () => {
      const next = { width: current.clientWidth, character: characterPixels(current) };
      setSize((before) => (before.width === next.width && before.character === next.character ? before : next));
    };
    const resized = new ResizeObserver(look);
    resized.observe(current);
    void document.fonts.ready.then(look);
    return () => resized.disconnect();
  }, [element]);
  if (width === 0) return Infinity;
  return Math.max(LEAST_COLUMNS, Math.floor((width - besidePixels) / character + 0.001) - besideCharacters);
}

function characterPixels(element: HTMLElement): number {
  const context = document.createElement("canvas").getContext("2d");
  if (!context) return 1;
  context.font = getComputedStyle(element).font;
  return context.measureText("0".repeat(100)).width / 100;
}
