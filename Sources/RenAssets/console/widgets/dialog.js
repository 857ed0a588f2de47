// One dialog at a time, and short messages that go by themselves.

import { h, render } from "../h.js";
import { icon } from "./icon.js";

const TOAST_MS = 8000;

export class Dialogs {
    #element = document.createElement("dialog");
    #view = null;
    #onclose = null;
    #focus = null;

    constructor() {
        this.#element.addEventListener("close", () => this.#closed());
        // A click beside the box, which fills the dialog; what was typed into a form is not lost that way.
        this.#element.addEventListener("pointerdown", (event) => {
            if (event.target === this.#element && !this.#element.querySelector("form")) this.close();
        });
        document.body.append(this.#element);
    }

    get isOpen() {
        return this.#element.open;
    }

    /** Whether this view is what is open. */
    shows(view) {
        return this.isOpen && this.#view === view;
    }

    /**
     * @param {() => object} view describes what is in it, again for every paint
     * @param {{className?: string, onclose?: () => void, label: string}} options
     */
    open(view, { className = "", onclose, label }) {
        const focus = this.#focus ?? document.activeElement;
        if (this.isOpen) {
            this.#element.close();
            this.#forget();
        }
        this.#focus = focus;
        this.#view = view;
        this.#onclose = onclose;
        this.#element.className = className;
        this.#element.setAttribute("aria-label", label);
        this.paint();
        this.#element.showModal();
        this.#element.querySelector("[autofocus]")?.focus();
    }

    paint() {
        if (this.#view) render(h("div", { class: "box" }, this.#view()), this.#element);
    }

    close() {
        if (this.isOpen) this.#element.close();
    }

    #closed() {
        // The event comes late: another one may be open by now.
        if (this.isOpen || !this.#view) return;
        const focus = this.#focus;
        this.#forget();
        // And another place may have the focus.
        if (focus?.isConnected && document.activeElement === document.body) focus.focus();
    }

    #forget() {
        render(null, this.#element);
        const onclose = this.#onclose;
        this.#view = this.#focus = this.#onclose = null;
        onclose?.();
    }
}

export class Toasts {
    #element = document.createElement("div");
    #toasts = [];
    #next = 0;

    constructor() {
        this.#element.className = "toasts";
        this.#element.setAttribute("role", "status");
        this.#element.setAttribute("aria-live", "polite");
        document.body.append(this.#element);
    }

    /** @param {string} text @param {{href: string, text: string}} [link] */
    say(text, link, isBad = false) {
        const toast = { id: this.#next++, text, link, isBad };
        this.#toasts.push(toast);
        setTimeout(() => this.#drop(toast), TOAST_MS);
        this.#paint();
    }

    #drop(toast) {
        this.#toasts = this.#toasts.filter((each) => each !== toast);
        this.#paint();
    }

    #paint() {
        render(h("div", null, this.#toasts.map((toast) => h(
            "p", { key: toast.id, class: toast.isBad ? "toast bad" : "toast" },
            icon(toast.isBad ? "quarantined" : "succeeded"), toast.text,
            toast.link && h("a", { href: toast.link.href }, toast.link.text),
            h("button", { type: "button", class: "plain", "aria-label": "Close", onclick: () => this.#drop(toast) },
                icon("failed"),
            ),
        ))), this.#element);
    }
}
