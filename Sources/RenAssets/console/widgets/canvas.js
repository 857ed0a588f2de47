// What drawings have in common: a canvas as wide as its place, drawn again when that or the colours change, and a text
// beside the pointer.

import { onThemeChange } from "./colours.js";

/** Pixels; beyond, browsers draw nothing. */
const HEIGHT_MAX = 32_000;

/** A widget. Drawings say how in `draw()`, and begin by `update(props)` once they are made. Props: `label`. */
export class Canvas {
    element;
    props;
    canvas;
    context;
    tip;
    #observer;
    #stopTheme;

    constructor(props, name) {
        this.props = props;
        this.element = document.createElement("div");
        this.element.className = name;
        this.canvas = document.createElement("canvas");
        this.canvas.setAttribute("role", "img");
        this.tip = document.createElement("div");
        this.tip.className = "tip";
        this.tip.hidden = true;
        this.element.append(this.canvas, this.tip);
        this.context = this.canvas.getContext("2d");
        this.#observer = new ResizeObserver(() => this.redraw());
        this.#observer.observe(this.element);
        this.#stopTheme = onThemeChange(() => this.redraw());
    }

    remove() {
        this.#observer.disconnect();
        this.#stopTheme();
    }

    update(props) {
        this.props = props;
        this.canvas.setAttribute("aria-label", props.label);
        this.draw();
    }

    /** Draws also what has not changed. */
    redraw() {
        this.draw();
    }

    /** Makes the canvas empty and so high, in pixels of the page; a very high one is drawn less finely. */
    clear(height) {
        const scale = Math.min(devicePixelRatio, HEIGHT_MAX / height);
        this.canvas.width = Math.round(this.element.clientWidth * scale);
        this.canvas.height = Math.round(height * scale);
        this.canvas.style.height = `${height}px`;
        this.context.setTransform(scale, 0, 0, scale, 0, 0);
    }

    /** Where the pointer is in the drawing. */
    at(event) {
        const box = this.canvas.getBoundingClientRect();
        return { x: event.clientX - box.left, y: event.clientY - box.top };
    }

    tell(event, text) {
        this.tip.hidden = !text;
        if (!text) return;
        this.tip.textContent = text;
        const { x, y } = this.at(event);
        const left = Math.min(x + 12, Math.max(0, this.element.clientWidth - 320));
        this.tip.style.transform = `translate(${left}px, ${y + 16}px)`;
    }
}
