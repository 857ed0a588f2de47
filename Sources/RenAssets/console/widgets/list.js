// A list of any length of which only what can be seen is in the page.

import { h, render } from "../h.js";

const EXTRA = 6;
/** Browsers cannot make elements higher than this; beyond, places are scaled. */
const HEIGHT_MAX = 8_000_000;

/**
 * A grid with a head row, windowed rows, and one row that is chosen by arrow keys, `j` and `k`.
 *
 * Props: `label`; `columns`: `[{name, title, class?}]`; `count`; `row(index)`: cells (descriptions), or null while it
 * is not known; `rowClass?(index)`; `key?(index)`; `selected`: index or -1; `onselect(index, isClick)`; `onopen(index)`;
 * `onrange(from, to)`: what is seen, called when it changes; `end`: whether to stay at the end as the list grows;
 * `onend(isAtEnd)`; `version`: raised when rows changed.
 */
export class WindowedList {
    element;
    #props;
    #body;
    #rows;
    #head;
    #rowHeight = 28;
    #range = [-1, -1];
    #frame = 0;
    #observer;
    #shownSelected = -1;
    #isAtEnd = true;

    constructor(props) {
        this.#props = props;
        this.element = document.createElement("div");
        this.element.className = "grid";
        this.element.setAttribute("role", "grid");
        this.#head = document.createElement("div");
        this.#head.setAttribute("role", "rowgroup");
        this.#head.className = "grid-head";
        this.element.tabIndex = 0;
        this.#body = document.createElement("div");
        this.#body.className = "grid-spacer";
        this.#body.setAttribute("role", "rowgroup");
        this.#rows = document.createElement("div");
        this.#rows.className = "grid-rows";
        this.#rows.setAttribute("role", "presentation");
        this.#body.append(this.#rows);
        this.element.append(this.#head, this.#body);
        this.element.addEventListener("scroll", () => this.#scrolled(), { passive: true });
        this.element.addEventListener("keydown", (event) => this.#keyed(event));
        this.#observer = new ResizeObserver(() => {
            // Only now it has a height.
            if (this.#props.end && this.#isAtEnd) this.element.scrollTop = 1e9;
            this.#draw();
        });
        this.#observer.observe(this.element);
        this.update(props);
    }

    remove() {
        this.#observer.disconnect();
        cancelAnimationFrame(this.#frame);
    }

    update(props) {
        const old = this.#props;
        this.#props = props;
        this.element.setAttribute("aria-label", props.label);
        this.element.setAttribute("aria-rowcount", props.count + 1);
        this.element.setAttribute("aria-colcount", props.columns.length);
        this.element.dataset.grid = props.grid ?? "";
        this.element.style.setProperty("--rows", Math.max(3, props.count) + 1);
        this.#rowHeight = parseFloat(getComputedStyle(this.element).getPropertyValue("--row")) || 28;
        render(
            h("div", { role: "row", class: "grid-row head", "aria-rowindex": 1 }, props.columns.map((column) =>
                h("div", { key: column.name, role: "columnheader", class: `cell ${column.class ?? ""}` },
                    column.title,
                ))),
            this.#head);
        this.#body.style.height = `${Math.min(HEIGHT_MAX, props.count * this.#rowHeight)}px`;
        if (props.selected >= 0 && props.selected < props.count && props.selected !== this.#shownSelected) {
            this.#shownSelected = props.selected;
            this.#reveal(props.selected);
        }
        if (props.end && this.#isAtEnd && (props.count !== old.count || !old.end)) this.element.scrollTop = 1e9;
        this.#draw();
    }

    get #scale() {
        const whole = this.#props.count * this.#rowHeight;
        return whole > HEIGHT_MAX ? whole / HEIGHT_MAX : 1;
    }

    #reveal(index) {
        const top = index * this.#rowHeight;
        const { scrollTop } = this.element;
        const clientHeight = this.element.clientHeight - this.#rowHeight;
        const seen = scrollTop * this.#scale;
        if (top >= seen && top + this.#rowHeight <= seen + clientHeight) return;
        const isNear = top > seen - 3 * this.#rowHeight && top < seen + clientHeight + 3 * this.#rowHeight;
        const move = () => {
            const height = this.element.clientHeight - this.#rowHeight;
            const place = !isNear ? top - height / 2 : top < seen ? top : top - height + this.#rowHeight;
            this.element.scrollTop = Math.max(0, place / this.#scale);
        };
        // Before it is in the page it has no height.
        if (clientHeight > 0) move();
        else requestAnimationFrame(move);
    }

    #scrolled() {
        const { scrollTop, scrollHeight, clientHeight } = this.element;
        const isAtEnd = scrollTop + clientHeight >= scrollHeight - this.#rowHeight;
        if (isAtEnd !== this.#isAtEnd) {
            this.#isAtEnd = isAtEnd;
            this.#props.onend?.(isAtEnd);
        }
        this.#frame ||= requestAnimationFrame(() => {
            this.#frame = 0;
            this.#draw();
        });
    }

    #draw() {
        const { count, columns, row, rowClass, key, selected } = this.#props;
        const height = this.element.clientHeight || 400;
        const first = Math.max(0, Math.floor((this.element.scrollTop * this.#scale) / this.#rowHeight) - EXTRA);
        const last = Math.min(count, first + Math.ceil(height / this.#rowHeight) + 2 * EXTRA);
        const rows = [];
        for (let index = first; index < last; index += 1) {
            const cells = row(index);
            const id = `${this.element.dataset.grid}-${index}`;
            rows.push(h(
                "div",
                {
                    key: key?.(index) ?? index, role: "row", id, "aria-rowindex": index + 2,
                    "aria-selected": index === selected,
                    class: `grid-row ${rowClass?.(index) ?? ""}${index === selected ? " selected" : ""}`,
                    onclick: (event) => this.#clicked(event, index),
                },
                columns.map((column, place) => h(
                    "div", { key: column.name, role: "gridcell", class: `cell ${column.class ?? ""}` },
                    cells ? cells[place] : place === 0 ? "…" : null)),
            ));
        }
        const shift = first * this.#rowHeight - this.element.scrollTop * (this.#scale - 1);
        this.#rows.style.transform = `translateY(${shift}px)`;
        if (selected >= first && selected < last) {
            this.element.setAttribute("aria-activedescendant", `${this.element.dataset.grid}-${selected}`);
        } else this.element.removeAttribute("aria-activedescendant");
        render(h("div", { role: "presentation" }, rows), this.#rows);
        if (first !== this.#range[0] || last !== this.#range[1]) {
            this.#range = [first, last];
            this.#props.onrange?.(first, last);
        }
    }

    #clicked(event, index) {
        if (event.target.closest("button, input")) return;
        if (getSelection()?.toString()) return;
        this.#props.onselect?.(index, true);
        if (event.target.closest("a")) return;
        if (this.#props.opensOnClick) this.#props.onopen?.(index);
    }

    #keyed(event) {
        if (event.metaKey || event.ctrlKey || event.altKey) return;
        const { count, selected, onselect, onopen } = this.#props;
        const page = Math.max(1, Math.floor(this.element.clientHeight / this.#rowHeight) - 1);
        const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
        if (event.key in moves && count) {
            event.preventDefault();
            const from = selected < 0 ? (moves[event.key] > 0 ? -1 : count) : selected;
            onselect?.(Math.max(0, Math.min(count - 1, from + moves[event.key])));
        } else if (event.key === "Enter" && selected >= 0 && event.target === this.element) {
            event.preventDefault();
            onopen?.(selected);
        }
    }
}
