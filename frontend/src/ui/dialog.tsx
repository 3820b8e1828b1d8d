/// Dialogs and the question before what cannot be undone. Their machinery is fetched when the first one opens.
import { lazy, type ReactNode, Suspense } from "react";

import { explain } from "@/api/errors";

import { Button } from "./button";
import { FormError } from "./field";

const OpenDialog = lazy(() => import("./dialog-base").then((module) => ({ default: module.OpenDialog })));

export interface DialogProps {
  open: boolean;
  onClose: () => void;
  title: string;
  description?: ReactNode;
  wide?: boolean;
  children: ReactNode;
}

export function Dialog({ open, ...rest }: DialogProps) {
  return <Suspense>{open && <OpenDialog {...rest} />}</Suspense>;
}

/** Asks before something happens that cannot be taken back. */
export function Confirm({
  open,
  onClose,
  title,
  children,
  action,
  keep = "Keep it",
  busy,
  error,
  onConfirm,
}: {
  open: boolean;
  onClose: () => void;
  title: string;
  children: ReactNode;
  action: string;
  keep?: string;
  busy: boolean;
  error: Error | null;
  onConfirm: () => void;
}) {
  return (
    <Dialog open={open} onClose={onClose} title={title}>
      <div className="space-y-4">
        <div className="text-base text-ink-soft">{children}</div>
        {error && <FormError>{explain(error).detail}</FormError>}
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>{keep}</Button>
          <Button look="danger" busy={busy} onClick={onConfirm}>
            {action}
          </Button>
        </div>
      </div>
    </Dialog>
  );
}
