/// A word that nobody has used before. `crypto.randomUUID` is missing on pages that came by plain http.
export function randomWord(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
