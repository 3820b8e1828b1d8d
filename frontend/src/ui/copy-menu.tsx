/// The same thing as text for other places: a terminal, a file, a message.
import { Check } from "lucide-react";

import { useCopied } from "./copy";
import { Menu, MenuItem } from "./menu";

export type CopyChoice = readonly [name: string, text: () => string];

export function CopyMenu({ choices, label = "Copy as" }: { choices: readonly CopyChoice[]; label?: string }) {
  const [copied, copy] = useCopied();
  return (
    <Menu label={copied ? <><Check size={14} className="text-good" aria-hidden /> Copied</> : label}>
      {choices.map(([name, text]) => (
        <MenuItem key={name} onSelect={() => copy(text())}>{name}</MenuItem>
      ))}
    </Menu>
  );
}
