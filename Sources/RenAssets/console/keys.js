// Keys: letters act only alone and outside of fields, and can be switched off (WCAG 2.1.4).

import { settings } from "./settings.js";

/** Where keys write. Checkboxes and sliders have the focus without taking letters. */
const FIELDS = "input:not([type=checkbox], [type=radio], [type=range]), textarea, select, [contenteditable]";

export class Keys {
    #sources = [];
    #prefix = null;
    #prefixTimer = 0;

    constructor() {
        document.addEventListener("keydown", (event) => this.#pressed(event));
    }

    /** @param {() => {name: string, keys: Record<string, [string, () => void]>}} source asked at every key */
    add(source) {
        this.#sources.push(source);
    }

    /** All of them as they are now, for the sheet. */
    get list() {
        return this.#sources.map((source) => source()).filter(({ keys }) => Object.keys(keys).length);
    }

    #find(name) {
        for (const source of [...this.#sources].reverse()) {
            const found = source().keys[name];
            if (found) return found[1];
        }
        return null;
    }

    #pressed(event) {
        if (event.defaultPrevented || event.isComposing) return;
        const isField = event.target.closest(FIELDS);
        if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "k") {
            event.preventDefault();
            // What is typed into a form stays.
            if (!document.querySelector("dialog[open] form")) this.#find("Ctrl-K")?.();
            return;
        }
        if (event.ctrlKey || event.metaKey || event.altKey) return;
        if (isField) {
            // Out of the field, to where letters act; a dialog closes by itself.
            if (event.key === "Escape" && !isField.closest("dialog")) isField.blur();
            return;
        }
        // What has the focus is what Enter means.
        if (event.key === "Enter" && event.target.closest("a, button, summary")) return;
        const isLetter = event.key.length === 1 && event.key !== "?";
        if (isLetter && !settings.letters) return;
        if (document.querySelector("dialog[open]")) return;
        const name = this.#prefix ? `${this.#prefix} ${event.key}` : event.key;
        clearTimeout(this.#prefixTimer);
        this.#prefix = null;
        const act = this.#find(name);
        if (act) {
            event.preventDefault();
            act();
        } else if (name === "g") {
            this.#prefix = "g";
            this.#prefixTimer = setTimeout(() => (this.#prefix = null), 1500);
        }
    }
}
