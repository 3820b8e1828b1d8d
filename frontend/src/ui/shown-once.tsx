/// A secret that the server gives out a single time.
import { KeyRound } from "lucide-react";
import type { ReactNode } from "react";

import { Button } from "./button";
import { CommandBlock } from "./copy";
import { Dialog } from "./dialog";

export function ShownOnce({
  title,
  secret,
  label,
  children,
  onClose,
}: {
  title: string;
  secret: string;
  /** What the copy button is called. */
  label: string;
  children?: ReactNode;
  onClose: () => void;
}) {
  return (
    <Dialog open onClose={onClose} title={title} description="Copy it now: it is shown this once, and only its fingerprint is kept.">
      <div className="space-y-4">
        <CommandBlock text={secret} label={label} />
        {children && (
          <div className="flex gap-2.5 rounded-lg bg-accent-soft px-3 py-2.5 text-sm text-ink-soft">
            <KeyRound size={15} aria-hidden className="mt-0.5 shrink-0 text-accent" />
            <div className="min-w-0">{children}</div>
          </div>
        )}
        <div className="flex justify-end">
          <Button look="primary" onClick={onClose}>
            Done
          </Button>
        </div>
      </div>
    </Dialog>
  );
}
