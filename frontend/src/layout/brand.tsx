/// The blossom of four petals.
export function Blossom({ size = 22 }: { size?: number }) {
  return (
    <svg viewBox="0 0 24 24" width={size} height={size} aria-hidden className="shrink-0 text-accent-solid" fill="currentColor">
      <path d="M12 11.2C8.6 9.2 8.4 4.4 12 2.2c3.6 2.2 3.4 7 0 9z" />
      <path d="M12.8 12c2-3.4 6.8-3.6 9 0-2.2 3.6-7 3.4-9 0z" opacity=".75" />
      <path d="M12 12.8c3.4 2 3.6 6.8 0 9-3.6-2.2-3.4-7 0-9z" />
      <path d="M11.2 12c-2 3.4-6.8 3.6-9 0 2.2-3.6 7-3.4 9 0z" opacity=".75" />
    </svg>
  );
}
