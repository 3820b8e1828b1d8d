/// Elements for the lines on the screen. Whoever scrolls far sees other lines in every frame; to write them into the
/// elements of those that went takes half the time of making new ones, and leaves nothing to be swept up.

export class Slots {
  private held = new Map<number, number>();
  private next = 0;

  /** A key for each line, named by its place in the log: its own as long as it is here, then another line's. */
  keysOf(offsets: readonly number[], mayReuse: boolean): number[] {
    const staying = new Set(offsets.filter((offset) => this.held.has(offset)));
    // Of a few that come, the elements would have to be moved, each of them over all that stay.
    const isOther = staying.size * 2 <= offsets.length;
    const free = mayReuse && isOther ? [...this.held].filter(([offset]) => !staying.has(offset)).map(([, key]) => key) : [];
    let reused = 0;
    const keys = offsets.map((offset) => this.held.get(offset) ?? free[reused++] ?? this.next++);
    this.held = new Map(offsets.map((offset, at) => [offset, keys[at] ?? 0]));
    return keys;
  }
}

/** What somebody has marked to copy must stay in its elements. */
export function isSelecting(element: HTMLElement | null): boolean {
  const selection = document.getSelection();
  return selection !== null && !selection.isCollapsed && element !== null && element.contains(selection.anchorNode);
}
