/// A button that opens a list of actions. What makes it a menu is fetched when one is first wanted.
import { ChevronDown, MoreHorizontal } from "lucide-react";
import { lazy, type ReactElement, type ReactNode, Suspense, useState } from "react";

import { buttonClass, ICON_BUTTON } from "./button";

const parts = () => import("./menu-parts");
const OpenMenu = lazy(() => parts().then((module) => ({ default: module.OpenMenu })));
export const MenuItem = lazy(() => parts().then((module) => ({ default: module.Item })));
export const MenuCheck = lazy(() => parts().then((module) => ({ default: module.Check })));
export const MenuSeparator = lazy(() => parts().then((module) => ({ default: module.Separator })));

interface MenuProps {
  /** What stands on the button, with an arrow behind it. */
  label?: ReactNode;
  /** A button of another look, without an arrow. */
  button?: { name: string; className: string; content: ReactNode };
  /** Where the button that was pressed only stood for this one. */
  openAtOnce?: boolean;
  children: ReactNode;
}

export function Menu({ label, button, openAtOnce = false, children }: MenuProps) {
  const [wanted, setWanted] = useState(openAtOnce);
  const look = button
    ? { "aria-label": button.name, title: button.name, className: button.className }
    : { className: buttonClass() };
  const shown = (more: object): ReactElement => (
    <button type="button" aria-haspopup="menu" {...look} {...more}>
      {button ? button.content : <>{label}<ChevronDown size={14} aria-hidden /></>}
    </button>
  );
  const closed = shown({ "aria-expanded": false, onClick: () => setWanted(true), onPointerEnter: () => void parts() });
  if (!wanted) return closed;
  return (
    <Suspense fallback={closed}>
      <OpenMenu button={shown({})}>{children}</OpenMenu>
    </Suspense>
  );
}

export interface MenuAction {
  text: string;
  icon?: ReactNode;
  danger?: boolean;
  /** Why it cannot be done now. */
  disabledReason?: string | null;
  run: () => void;
}

/** What is done less often, behind three dots. */
export function MoreMenu({ label, actions }: { label: string; actions: readonly MenuAction[] }) {
  const button = { name: label, className: `${ICON_BUTTON} data-[state=open]:bg-hover data-[state=open]:text-ink`, content: <MoreHorizontal size={16} aria-hidden /> };
  return (
    <Menu button={button}>
      {actions.map(({ text, icon, danger = false, disabledReason = null, run }) => (
        <MenuItem key={text} icon={icon} danger={danger} disabledReason={disabledReason} onSelect={run}>{text}</MenuItem>
      ))}
    </Menu>
  );
}
