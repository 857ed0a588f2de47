// What this browser remembers of how its user wants the console.

const PLACE = "ren.settings";
const DEFAULTS = { theme: "auto", density: "dense", time: "local", letters: true, wrap: false, notify: false };

function read() {
    try {
        return { ...DEFAULTS, ...JSON.parse(localStorage.getItem(PLACE) ?? "{}") };
    } catch {
        return { ...DEFAULTS };
    }
}

export const settings = read();

/** Keeps them, and makes the page so. */
export function change(changes) {
    Object.assign(settings, changes);
    try {
        localStorage.setItem(PLACE, JSON.stringify(settings));
    } catch {
        // A browser without storage forgets them with the page.
    }
    apply();
}

export function apply() {
    const root = document.documentElement;
    if (settings.theme === "auto") delete root.dataset.theme;
    else root.dataset.theme = settings.theme;
    root.dataset.density = settings.density;
}

export const isDark = () =>
    settings.theme === "auto" ? matchMedia("(prefers-color-scheme: dark)").matches : settings.theme === "dark";
