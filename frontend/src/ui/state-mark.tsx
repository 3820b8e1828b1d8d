/// A state as shape, colour and word.
import type { ReactNode } from "react";

import { type Look, type Shape, toneSoft, toneText } from "@/domain/looks";

const SHAPES: Record<Shape, ReactNode> = {
  dashed: <circle cx="8" cy="8" r="5.75" fill="none" stroke="currentColor" strokeWidth="1.5" strokeDasharray="2.4 2.1" />,
  half: (
    <>
      <circle cx="8" cy="8" r="5.75" fill="none" stroke="currentColor" strokeWidth="1.5" />
      <path d="M8 4.500a3.5 3.5 0 0 1 0 7z" fill="currentColor" />
    </>
  ),
  pulse: (
    <>
      <circle cx="8" cy="8" r="5.75" fill="none" stroke="currentColor" strokeWidth="1.5" />
      <circle cx="8" cy="8" r="3" fill="currentColor" className="animate-breathe" />
    </>
  ),
  check: (
    <>
      <circle cx="8" cy="8" r="6.5" fill="currentColor" />
      <path d="m5.2 8.2 2 2 3.7-4.2" fill="none" stroke="var(--panel)" strokeWidth="1.6" strokeLinecap="round" strokeLinejoin="round" />
    </>
  ),
  cross: (
    <>
      <path d="M5.3 1.500h5.400l3.8 3.800v5.400l-3.8 3.800H5.300l-3.8-3.800V5.300z" fill="currentColor" />
      <path d="m5.8 5.8 4.4 4.400m0-4.4-4.4 4.4" stroke="var(--panel)" strokeWidth="1.6" strokeLinecap="round" />
    </>
  ),
  slash: (
    <>
      <circle cx="8" cy="8" r="5.75" fill="none" stroke="currentColor" strokeWidth="1.5" />
      <path d="m4.2 11.8 7.6-7.6" stroke="currentColor" strokeWidth="1.5" />
    </>
  ),
  hold: (
    <>
      <path d="M8 1 15 8l-7 7-7-7z" fill="currentColor" />
      <path d="M6.5 6v4M9.5 6v4" stroke="var(--panel)" strokeWidth="1.5" strokeLinecap="round" />
    </>
  ),
  dot: <circle cx="8" cy="8" r="4" fill="currentColor" />,
  bar: (
    <>
      <rect x="2" y="2" width="12" height="12" rx="3" fill="none" stroke="currentColor" strokeWidth="1.5" />
      <path d="M5 8h6" stroke="currentColor" strokeWidth="1.8" strokeLinecap="round" />
    </>
  ),
  alert: (
    <>
      <path d="M8 1.5 15 14H1z" fill="currentColor" strokeLinejoin="round" />
      <path d="M8 6v3.500M8 11.600v.2" stroke="var(--panel)" strokeWidth="1.6" strokeLinecap="round" />
    </>
  ),
  back: <path d="M6 3 2.5 6.5 6 10M3 6.500h6.500a3.5 3.5 0 0 1 0 7H7" fill="none" stroke="currentColor" strokeWidth="1.5" strokeLinecap="round" strokeLinejoin="round" />,
};

/** The shape alone, for where the word stands beside it already. */
export function StateIcon({ look, size = 14 }: { look: Look; size?: number }) {
  return (
    <svg viewBox="0 0 16 16" width={size} height={size} aria-hidden className={`shrink-0 ${toneText[look.tone]}`}>
      {SHAPES[look.shape]}
    </svg>
  );
}

/** Shape and word. */
export function StateMark({ look, soft = false }: { look: Look; soft?: boolean }) {
  const frame = soft ? `rounded-full py-0.5 pr-2.5 pl-2 ${toneSoft[look.tone]}` : toneText[look.tone];
  return (
    <span className={`inline-flex items-center gap-1.5 align-middle text-sm font-medium whitespace-nowrap ${frame}`}>
      <StateIcon look={look} />
      {look.word}
    </span>
  );
}
