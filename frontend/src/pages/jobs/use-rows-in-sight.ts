/// Which rows of a long list are in sight. Every row is as high as every other, so that the place of each is known
/// without having seen it.
import { type RefObject, useEffect, useState } from "react";

export const ROW_PIXELS = 57;
/** Rows beyond the edges of the screen that are drawn already. */
const AHEAD_ROWS = 12;

/** The first and the last row to draw; the last is before the first where there is none. */
export function useRowsInSight(list: RefObject<HTMLElement | null>, count: number): readonly [number, number] {
  const [sight, setSight] = useState<readonly [number, number]>([0, 40]);
  useEffect(() => {
    let frame = 0;
    function look() {
      frame = 0;
      const top = list.current?.getBoundingClientRect().top ?? 0;
      const first = Math.max(0, Math.floor(-top / ROW_PIXELS) - AHEAD_ROWS);
      const last = Math.ceil((window.innerHeight - top) / ROW_PIXELS) + AHEAD_ROWS;
      setSight((before) => (before[0] === first && before[1] === last ? before : [first, last]));
    }
    const soon = () => {
      frame ||= requestAnimationFrame(look);
    };
    soon();
    window.addEventListener("scroll", soon, { passive: true });
    window.addEventListener("resize", soon);
    return () => {
      cancelAnimationFrame(frame);
      window.removeEventListener("scroll", soon);
      window.removeEventListener("resize", soon);
    };
  }, [list]);
  return [Math.min(sight[0], Math.max(0, count - 1)), Math.min(sight[1], count - 1)];
}
