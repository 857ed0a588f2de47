// Before the first paint, so that the page never flashes in the other theme. `settings.js` does the rest.
try {
    const saved = JSON.parse(localStorage.getItem("ren.settings") ?? "{}");
    if (saved.theme === "light" || saved.theme === "dark") document.documentElement.dataset.theme = saved.theme;
    if (saved.density === "roomy") document.documentElement.dataset.density = "roomy";
} catch {
    // Without storage, or with something else in it: as the system has it.
}
