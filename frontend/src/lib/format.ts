/// Amounts, times and ids as people read them.

const BYTE_UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"] as const;

/** `1610612736` → `1.5 GiB`. */
export function bytes(count: number): string {
  let value = count;
  let unit = 0;
  while (value >= 1024 && unit < BYTE_UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || value >= 100 || Number.isInteger(value) ? 0 : 1;
  return `${value.toFixed(digits)} ${BYTE_UNITS[unit]}`;
}

/** CPUs out of thousandths: `1500` → `1.5`. */
export function cpus(milli: number): string {
  return String(Math.round(milli) / 1000);
}

/** A length of time in its two largest units: `3h 12m`. */
export function duration(millis: number): string {
  const secs = Math.max(0, millis) / 1000;
  if (secs < 10) return `${secs.toFixed(1)}s`;
  const whole = Math.floor(secs);
  if (whole < 60) return `${whole}s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes}m ${whole % 60}s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours}h ${minutes % 60}m`;
  return `${Math.floor(hours / 24)}d ${hours % 24}h`;
}

/** How far away a time is: `12s ago`, `in 4m`. */
export function relative(at: string, now: number): string {
  const distance = now - Date.parse(at);
  const size = Math.abs(distance);
  if (size < 2000) return "now";
  const text = coarse(size);
  return distance >= 0 ? `${text} ago` : `in ${text}`;
}

function coarse(millis: number): string {
  const secs = Math.floor(millis / 1000);
  if (secs < 60) return `${secs}s`;
  if (secs < 3600) return `${Math.floor(secs / 60)}m`;
  if (secs < 86_400) return `${Math.floor(secs / 3600)}h`;
  return `${Math.floor(secs / 86_400)}d`;
}

const CLOCK = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" } as const;
const THIS_YEAR = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric", ...CLOCK });
const ANY_YEAR = new Intl.DateTimeFormat(undefined, { year: "numeric", month: "short", day: "numeric", ...CLOCK });

/** A moment in full, in the reader's own zone. */
export function exact(at: string): string {
  const date = new Date(at);
  return (date.getFullYear() === new Date().getFullYear() ? THIS_YEAR : ANY_YEAR).format(date);
}

/** The end of an id: ids of one moment share their beginning, so the end tells them apart. */
export function shortId(id: string): string {
  return id.slice(-8);
}

/** A time as the server writes it into its sentences. */
const WRITTEN_TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g;

/** The server's words may begin in the middle of a line; here they stand alone, with times in the reader's own zone. */
export function sentence(text: string): string {
  return (text.charAt(0).toUpperCase() + text.slice(1)).replace(WRITTEN_TIME, (at) => (Number.isNaN(Date.parse(at)) ? at : exact(at)));
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString()} ${count === 1 ? one : many}`;
}

/** Wraps text for a POSIX shell so that it arrives as one word, byte for byte. */
export function shellQuote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
