/// Copying text, with a tick that says it worked.
import { Check, Copy } from "lucide-react";
import { useEffect, useState } from "react";

import { IconButton } from "./button";

const TICK_MILLIS = 1600;

/** Puts text on the clipboard; also where the page came over plain http and has no clipboard of its own. */
export async function copyText(text: string): Promise<boolean> {
  if (navigator.clipboard) {
    return navigator.clipboard.writeText(text).then(
      () => true,
      () => false,
    );
  }
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  return done;
}

export function useCopied(): [boolean, (text: string) => void] {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = window.setTimeout(() => setCopied(false), TICK_MILLIS);
    return () => window.clearTimeout(timer);
  }, [copied]);
  return [copied, (text) => void copyText(text).then(setCopied)];
}

export function CopyButton({ text, label = "Copy" }: { text: string; label?: string }) {
  const [copied, copy] = useCopied();
  return (
    <IconButton label={copied ? "Copied" : label} onClick={() => copy(text)}>
      {copied ? <Check size={15} className="text-good" /> : <Copy size={15} />}
    </IconButton>
  );
}

/** A command to paste. It breaks between its words, and inside of one only where that is longer than the line. */
export function CommandBlock({ text, label = "Copy the command" }: { text: string; label?: string }) {
  return (
    <div className="flex items-start gap-1 rounded-lg border bg-log py-1 pr-1 pl-3 text-left">
      <pre className="min-w-0 flex-1 py-1.5 font-mono text-sm leading-5 whitespace-pre-wrap wrap-anywhere" tabIndex={0}>
        {Array.from(text.matchAll(/\S+|\s+/g), ({ 0: part, index }) => (part.trim() ? <span key={index} className="inline-block max-w-full">{part}</span> : part))}
      </pre>
      <CopyButton text={text} label={label} />
    </div>
  );
}
