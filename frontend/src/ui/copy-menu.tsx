/// The same thing as text for other places: a terminal, a file, a message.
import { Check } from "lucide-react";
import type { ReactNode } from "react";

import { useCopied } from "./copy";
import { Menu, MenuItem } from "./menu";

/** What is copied may have to be made first. */
export type CopyChoice = readonly [name: string, text: () => string | Promise<string>];

export function CopyMenu({ choices, label = "Copy as" }: { choices: readonly CopyChoice[]; label?: ReactNode }) {
  const [copied, copy] = useCopied();
  return (
    <Menu label={copied ? <><Check size={14} className="text-good" aria-hidden /> Copied</> : label}>
      {choices.map(([name, text]) => (
        <MenuItem key={name} onSelect={() => void Promise.resolve(text()).then(copy)}>{name}</MenuItem>
      ))}
    </Menu>
  );
}
