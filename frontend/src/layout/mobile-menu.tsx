/// The side bar as a drawer, where the screen is too narrow for both.
import { X } from "lucide-react";
import { Dialog } from "radix-ui";

import { IconButton } from "@/ui/button";

import { SideBar } from "./side-bar";

export function MobileMenu({ onClose, onSearch }: { onClose: () => void; onSearch: () => void }) {
  return (
    <Dialog.Root open onOpenChange={(next) => !next && onClose()}>
      <Dialog.Portal>
        <Dialog.Overlay className="fixed inset-0 z-40 bg-[#120d1c]/45 lg:hidden" />
        <Dialog.Content
          aria-describedby={undefined}
          className="fixed inset-y-0 left-0 z-50 flex w-72 max-w-[85vw] flex-col border-r bg-panel p-3 shadow-float focus:outline-none lg:hidden"
        >
          <Dialog.Title className="sr-only">Menu</Dialog.Title>
          <Dialog.Close asChild>
            <IconButton label="Close the menu" className="absolute top-3.5 right-3">
              <X size={16} />
            </IconButton>
          </Dialog.Close>
          <SideBar
            onNavigate={onClose}
            onSearch={() => {
              onClose();
              onSearch();
            }}
          />
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
