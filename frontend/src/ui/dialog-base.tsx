/// A dialog that is open.
import { X } from "lucide-react";
import { Dialog as Base } from "radix-ui";

import { IconButton } from "./button";
import type { DialogProps } from "./dialog";

export function OpenDialog({ onClose, title, description, wide = false, children }: Omit<DialogProps, "open">) {
  return (
    <Base.Root open onOpenChange={(next) => !next && onClose()}>
      <Base.Portal>
        <Base.Overlay className="fixed inset-0 z-40 bg-[#120d1c]/45 backdrop-blur-[2px]" />
        <Base.Content
          {...(description ? {} : { "aria-describedby": undefined })}
          onOpenAutoFocus={(event) => {
            // Without a first field of its own, a dialog begins at itself, not at its close button.
            event.preventDefault();
            if (event.currentTarget instanceof HTMLElement) event.currentTarget.focus();
          }}
          className={
            "fixed top-1/2 left-1/2 z-50 max-h-[calc(100dvh-2rem)] w-[calc(100vw-2rem)] -translate-x-1/2 -translate-y-1/2 " +
            `overflow-y-auto rounded-2xl border bg-panel p-5 shadow-float focus:outline-none ${wide ? "max-w-2xl" : "max-w-md"}`
          }
        >
          <div className="mb-4 flex items-start gap-4">
            <div className="min-w-0 flex-1">
              <Base.Title className="text-lg font-semibold">{title}</Base.Title>
              {description && <Base.Description className="mt-1 text-sm text-ink-soft">{description}</Base.Description>}
            </div>
            <Base.Close asChild>
              <IconButton label="Close" className="-mt-1 -mr-1">
                <X size={16} />
              </IconButton>
            </Base.Close>
          </div>
          {children}
        </Base.Content>
      </Base.Portal>
    </Base.Root>
  );
}
