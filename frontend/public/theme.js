// Sets the theme before the first paint. It is a file of its own because the content security policy
// allows no inline script. `src/lib/theme.ts` writes the choice that is read here.
(function () {
  var choice = null;
  try {
    choice = localStorage.getItem("lilac-theme");
  } catch (_) {
    // Storage is switched off: the system decides.
  }
  var dark = choice === "dark" || (choice !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
})();
