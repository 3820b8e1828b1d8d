/// A terminal on the page: xterm.js, fetched when it is first wanted, in the colours of the theme.

export interface TerminalSize {
  columns: number;
  rows: number;
}

export interface Terminal {
  size: () => TerminalSize;
  write: (bytes: Uint8Array) => void;
  listen: (onTyped: (bytes: Uint8Array) => void, onSize: (size: TerminalSize) => void) => void;
  /** Shows on what it shows, and takes nothing more. */
  freeze: () => void;
  dispose: () => void;
}

const SCROLLBACK_LINES = 5_000;

export async function openTerminal(element: HTMLElement): Promise<Terminal> {
  const [{ Terminal: Screen }, { FitAddon }] = await Promise.all([import("@xterm/xterm"), import("@xterm/addon-fit"), import("@xterm/xterm/css/xterm.css")]);
  // It measures its letters once: with those that it will have.
  await document.fonts.load('13px "Geist Mono Variable"');
  const screen = new Screen({
    fontFamily: '"Geist Mono Variable", ui-monospace, monospace',
    fontSize: 13,
    lineHeight: 1.25,
    scrollback: SCROLLBACK_LINES,
    cursorBlink: false,
    screenReaderMode: true,
    theme: colours(),
  });
  const fit = new FitAddon();
  screen.loadAddon(fit);
  screen.open(element);
  fit.fit();
  screen.focus();

  const resized = new ResizeObserver(() => fit.fit());
  resized.observe(element);
  const themed = new MutationObserver(() => {
    screen.options.theme = colours();
  });
  themed.observe(document.documentElement, { attributeFilter: ["data-theme"] });
  const gone = new MutationObserver(() => {
    if (!element.isConnected) dispose();
  });
  gone.observe(document.body, { childList: true, subtree: true });
  const hears: { dispose: () => void }[] = [];
  const encoder = new TextEncoder();

  function freeze() {
    for (const one of hears.splice(0)) one.dispose();
    screen.options.disableStdin = true;
    screen.blur();
  }
  function dispose() {
    resized.disconnect();
    themed.disconnect();
    gone.disconnect();
    screen.dispose();
  }

  return {
    size: () => ({ columns: screen.cols, rows: screen.rows }),
    write: (bytes) => screen.write(bytes),
    listen: (onTyped, onSize) => {
      hears.push(
        screen.onData((text) => onTyped(encoder.encode(text))),
        screen.onBinary((text) => onTyped(Uint8Array.from(text, (char) => char.charCodeAt(0)))),
        screen.onResize(({ cols, rows }) => onSize({ columns: cols, rows })),
      );
      onSize({ columns: screen.cols, rows: screen.rows });
    },
    freeze,
    dispose,
  };
}

/** The theme's colours, as xterm wants them. */
function colours() {
  const style = getComputedStyle(document.documentElement);
  const of = (name: string) => style.getPropertyValue(`--${name}`).trim();
  const named = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"].flatMap((name) => {
    const bright = `bright${name.charAt(0).toUpperCase()}${name.slice(1)}`;
    return [[name, of(`ansi-${name}`)], [bright, of(`ansi-${name}`)]] as const;
  });
  return {
    ...Object.fromEntries(named),
    background: of("log-canvas"),
    foreground: of("ink"),
    cursor: of("accent-solid"),
    cursorAccent: of("log-canvas"),
    selectionBackground: of("accent-line"),
  };
}
