// Ten thousand items at a glance: one cell each, in the order of the list.

import { ITEM_STATES } from "../store.js";
import { count, duration } from "../format.js";
import { Canvas } from "./canvas.js";
import { palette } from "./colours.js";

const GAP_FROM = 5;

/**
 * Props: `states` (ItemStates); `by`: `state`, `ms` or `attempts`; `values`: bytes of the latter two;
 * `describe(index)`: a promise of a text; `onopen(index)`; `onrange(from, to)`: drawn with the mouse; `label`;
 * `rowsMax`: about how high it may be.
 */
export class Heatmap extends Canvas {
    #columns = 1;
    #cell = 4;
    #drawn = "";
    #over = -1;
    #from = -1;

    constructor(props) {
        super(props, "heatmap");
        this.canvas.addEventListener("pointermove", (event) => this.#moved(event));
        this.canvas.addEventListener("pointerleave", () => this.#left());
        this.canvas.addEventListener("pointerdown", (event) => (this.#from = this.#at(event)));
        this.canvas.addEventListener("pointerup", (event) => this.#released(event));
        this.update(props);
    }

    redraw() {
        this.#drawn = "";
        this.draw();
    }

    draw() {
        const { states, by, values } = this.props;
        const total = states.bytes.length;
        const width = this.element.clientWidth;
        if (!width || !total) return;
        const layout = `${width}/${total}/${by}/${values?.length ?? 0}/${devicePixelRatio}/${this.props.mark ?? ""}`;
        const changed = states.takeChanged();
        if (layout === this.#drawn && changed && by === "state") {
            for (const index of changed) this.#paint(index);
            return;
        }
        if (layout === this.#drawn && by !== "state") return;
        this.#drawn = layout;
        this.#layOut(width, total);
        this.context.fillStyle = palette().ground;
        this.context.fillRect(0, 0, this.canvas.width, this.canvas.height);
        for (let index = 0; index < total; index += 1) this.#paint(index);
    }

    /** The largest cells with which all fit into about `rowsMax` pixels of height. */
    #layOut(width, total) {
        const height = this.props.rowsMax ?? 200;
        this.#cell = 16;
        while (this.#cell > 2 && Math.ceil(
            total / Math.floor(width / this.#cell),
        ) * this.#cell > height) this.#cell -= 1;
        this.#columns = Math.max(1, Math.floor(width / this.#cell));
        this.clear(Math.ceil(total / this.#columns) * this.#cell);
    }

    #paint(index) {
        const gap = this.#cell >= GAP_FROM ? 1 : 0;
        const x = (index % this.#columns) * this.#cell;
        const y = Math.floor(index / this.#columns) * this.#cell;
        const size = this.#cell - gap;
        this.context.fillStyle = this.#colour(index);
        this.context.fillRect(x, y, size, size);
        const state = this.props.states.bytes[index];
        // Failures have a shape too.
        if (size >= 5 && this.props.by === "state" && (state === 6 || state === 9)) {
            this.context.strokeStyle = palette().ground;
            this.context.beginPath();
            this.context.moveTo(x + 1, y + 1);
            this.context.lineTo(x + size - 1, y + size - 1);
            this.context.moveTo(x + size - 1, y + 1);
            this.context.lineTo(x + 1, y + size - 1);
            this.context.stroke();
        }
    }

    #colour(index) {
        const { states, by, values } = this.props;
        const colours = palette();
        if (by === "state") return colours.states[states.bytes[index]];
        const value = values?.[index] ?? 0;
        if (value === 0) return colours.states[0];
        // Times are logarithmic already: 1 ms is about 9, 1 s about 80, 2 min about 135.
        const share = by === "ms" ? (value - 1) / 150 : (value - 1) / 5;
        return colours.ramp[Math.max(0, Math.min(colours.ramp.length - 1, Math.floor(share * colours.ramp.length)))];
    }

    #at(event) {
        const { x, y } = this.at(event);
        const column = Math.floor(x / this.#cell);
        const index = Math.floor(y / this.#cell) * this.#columns + column;
        return column < this.#columns && index >= 0 && index < this.props.states.bytes.length ? index : -1;
    }

    async #moved(event) {
        const index = this.#at(event);
        if (index === this.#over) return;
        this.#over = index;
        if (index < 0) return this.#left();
        this.tell(event, `#${count(index)} · ${ITEM_STATES[this.props.states.bytes[index]]}`);
        await new Promise((done) => setTimeout(done, 120));
        if (this.#over !== index) return;
        const text = await this.props.describe?.(index);
        if (this.#over === index && text) this.tip.textContent = text;
    }

    #left() {
        this.#over = -1;
        this.tip.hidden = true;
    }

    #released(event) {
        const [from, to] = [this.#from, this.#at(event)];
        this.#from = -1;
        if (from < 0 || to < 0) return;
        if (from === to) this.props.onopen?.(to);
        else this.props.onrange?.(Math.min(from, to), Math.max(from, to));
    }
}

/** What stands under the map: its colours in words. */
export function legendOf(by) {
    if (by === "ms") return [8, 40, 80, 110, 150].map(
        (byte) => ({ label: `${duration(fromByte(byte))}`, share: byte / 150 }),
    );
    return [1, 2, 3, 4, 5].map(
        (attempts) => ({ label: attempts === 5 ? "5 or more" : String(attempts), share: (attempts - 1) / 5 }),
    );
}

/** 1 + 8·⌊log₂(m + 1)⌋ + the next three bits of m + 1. */
function fromByte(byte) {
    const power = Math.floor((byte - 1) / 8);
    return 2 ** power * (1 + ((byte - 1) % 8) / 8) - 1;
}
