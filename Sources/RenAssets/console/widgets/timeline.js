// What a run did over time: a row for each node, drawn as areas of what ran, waited and failed; while they are few, a
// bar for each item.

import { count, duration, moment, visible } from "../format.js";
import { Canvas } from "./canvas.js";
import { palette } from "./colours.js";

const ROW = 46;
/** Of a row with areas. */
const AREA = 64;
const LABEL = 150;
const AXIS = 22;
const TICKS = 6;
const DRAG_MIN = 4;
/** Of an item's row: as high as its key where all of them fit into so much. */
const ITEM_MAX = 16;
const ITEM_MIN = 4;
const ITEMS_HEIGHT = 640;
/** A canvas has an end: further lanes have no rows of items. */
const ITEMS_MAX = 1000;
const KEY_MIN = 11;

/** What an attempt that ended so is drawn as; others are as one that runs. */
const ENDS = { attempt_failed: "bad", failed: "bad", unknown: "bad", interrupted: "off", forked: "off" };
const WORDS = { attempt_failed: "failed", unknown: "ended nobody knows how", forked: "interrupted by the fork" };

/** What a span is, in words. */
export function spanWords({ kind, attempt, end }) {
    if (kind === "retry_wait") return `waits to be tried again after attempt ${attempt}`;
    if (kind === "queue") return "waits for its turn";
    if (kind === "signal_wait") return "waits for a signal";
    const how = end?.split(".").at(-1) ?? "running";
    return `attempt ${attempt} ${WORDS[how] ?? how}`;
}

/**
 * Props: `timeline`: the answer of the service; `onzoom(from, to)`: milliseconds; `onopen(node, key)`: a bar, the key
 * null for the node itself; `label`.
 */
export class Timeline extends Canvas {
    #from = null;
    #to = null;
    #drawn = null;
    /** What stands where: `{top, height, lane, bar}`; a lane's own row has no `bar.item`, and comes first. */
    #rows = [];
    #hatch = null;

    constructor(props) {
        super(props, "timeline");
        this.canvas.addEventListener("pointerdown", (event) => {
            this.#from = this.#to = this.#x(event);
            this.canvas.setPointerCapture(event.pointerId);
        });
        this.canvas.addEventListener("pointermove", (event) => this.#moved(event));
        this.canvas.addEventListener("pointerup", (event) => this.#released(event));
        this.canvas.addEventListener("pointercancel", () => this.#dropped());
        this.canvas.addEventListener("pointerleave", () => (this.tip.hidden = true));
        this.update(props);
    }

    redraw() {
        this.#drawn = null;
        this.draw();
    }

    get #label() {
        return this.element.clientWidth < 600 ? 90 : LABEL;
    }

    get #width() {
        return Math.max(1, this.element.clientWidth - this.#label);
    }

    #x(event) {
        return Math.max(0, Math.min(this.#width, this.at(event).x - this.#label));
    }

    get #range() {
        return [Date.parse(this.props.timeline.from), Date.parse(this.props.timeline.to)];
    }

    #timeAt(x) {
        const [from, to] = this.#range;
        return from + (x / this.#width) * (to - from);
    }

    #place(iso) {
        const [from, to] = this.#range;
        const share = (Date.parse(iso) - from) / Math.max(1, to - from);
        return this.#label + Math.max(0, Math.min(1, share)) * this.#width;
    }

    #layOut() {
        let top = AXIS;
        let left = ITEMS_MAX;
        this.#rows = [];
        const add = (lane, bar, height) => {
            this.#rows.push({ top, height, lane, bar });
            top += height;
        };
        for (const lane of this.props.timeline.lanes) {
            const items = lane.bars?.filter((bar) => bar.item !== null) ?? [];
            const own = lane.bars?.find((bar) => bar.item === null);
            add(lane, items.length ? null : own, items.length || !own ? AREA : ROW);
            if (items.length > left) continue;
            left -= items.length;
            const height = Math.max(ITEM_MIN, Math.min(ITEM_MAX, Math.floor(ITEMS_HEIGHT / items.length)));
            for (const bar of items) add(lane, bar, height);
            if (items.length) top += ITEM_MIN;
        }
        return top;
    }

    draw() {
        const { timeline } = this.props;
        if (timeline === this.#drawn || !this.element.clientWidth) return;
        this.#drawn = timeline;
        const height = this.#layOut();
        this.clear(height);
        const { context } = this;
        context.font = getComputedStyle(this.element).font;
        context.textBaseline = "middle";
        this.#hatch = hatch(context, palette().tones.warn);
        this.#bands(height);
        this.#axis(height);
        for (const row of this.#rows) {
            if (row.bar && row.bar.item !== null) this.#item(row);
            else this.#lane(row);
        }
        if (this.#isDragged) {
            context.globalAlpha = 0.2;
            context.fillStyle = palette().tones.go;
            context.fillRect(
                this.#label + Math.min(this.#from, this.#to),
                AXIS,
                Math.abs(this.#to - this.#from),
                height,
            );
            context.globalAlpha = 1;
        }
    }

    get #isDragged() {
        return this.#from !== null && Math.abs(this.#to - this.#from) >= DRAG_MIN;
    }

    /** Pauses are bands, restarts of ren are lines. */
    #bands(height) {
        const { pauses, restarts, known } = this.props.timeline;
        const { context } = this;
        for (const { from, to } of pauses) {
            const left = this.#place(from);
            context.fillStyle = palette().band;
            context.fillRect(left, AXIS, Math.max(1, this.#place(to ?? known) - left), height - AXIS);
        }
        context.strokeStyle = palette().tones.ask;
        context.setLineDash([3, 3]);
        for (const restart of restarts) {
            const x = Math.round(this.#place(restart)) + 0.5;
            this.#line(x, AXIS - 4, x, height);
        }
        context.setLineDash([]);
    }

    #line(x, y, toX, toY) {
        this.context.beginPath();
        this.context.moveTo(x, y);
        this.context.lineTo(toX, toY);
        this.context.stroke();
    }

    #axis(height) {
        const { context } = this;
        const ticks = Math.max(2, Math.min(TICKS, Math.floor(this.#width / 110)));
        const [from, to] = this.#range;
        context.strokeStyle = palette().line;
        context.fillStyle = palette().quiet;
        for (let index = 0; index <= ticks; index += 1) {
            const x = Math.round(this.#label + (index / ticks) * this.#width) - 0.5;
            this.#line(x, AXIS - 4, x, height);
            const time = new Date(from + (index / ticks) * (to - from)).toISOString();
            context.textAlign = index === 0 ? "left" : index === ticks ? "right" : "center";
            context.fillText(moment(time, { milliseconds: to - from < 10_000 }), x, AXIS / 2 - 1);
        }
        context.textAlign = "left";
    }

    #lane({ top, height, lane, bar }) {
        const { context } = this;
        const colours = palette();
        context.strokeStyle = colours.line;
        this.#line(0, top + 0.5, this.#label + this.#width, top + 0.5);
        if (bar) this.#spans(bar, top + height / 2 - 7, ITEM_MAX);
        else this.#areas(lane, top + height - 6, height - 16);
        const total = lane.succeeded.reduce((sum, value) => sum + value, 0);
        const failed = lane.failed.reduce((sum, value) => sum + value, 0);
        this.#words(visible(lane.node, { max: 40 }), 4, top + 16, colours.text);
        this.#words(
            `${count(total)} done${failed ? `, ${count(failed)} failed` : ""}`, 4, top + 32, colours.quiet);
    }

    #words(text, x, y, colour) {
        const { context } = this;
        context.save();
        context.beginPath();
        context.rect(0, y - ROW, this.#label - 8, ROW * 2);
        context.clip();
        context.fillStyle = colour;
        context.fillText(text, x, y);
        context.restore();
    }

    /** What ran and what waited, one on the other, and what failed on top. */
    #areas(lane, base, high) {
        const { context } = this;
        const colours = palette();
        const step = this.#width / lane.running.length;
        const most = Math.max(1, ...lane.running.map((value, index) => value + lane.waiting[index]));
        // What failed is of another measure than what runs: as much of what ended, it has room of its own.
        const best = Math.max(1, ...lane.succeeded, ...lane.failed);
        const mostFailed = Math.max(1, ...lane.failed);
        const room = lane.failed.some(Boolean) ? Math.min(high / 3, (mostFailed / best) * high) : 0;
        const edge = (index) => Math.round(this.#label + index * step);
        lane.running.forEach((running, index) => {
            // Whole pixels: a thin column keeps its colour.
            const x = edge(index);
            const wide = Math.max(1, edge(index + 1) - x - (step > 6 ? 1 : 0));
            let y = base;
            const add = (value, tall, fill) => {
                if (!value) return;
                const part = Math.max(2, tall);
                y -= part;
                context.fillStyle = fill;
                context.fillRect(x, y, wide, part);
            };
            const waiting = lane.waiting[index];
            add(running, (running / most) * (high - room), colours.tones.go);
            add(waiting, (waiting / most) * (high - room), this.#hatch);
            add(lane.failed[index], (lane.failed[index] / mostFailed) * room, colours.tones.bad);
        });
        // What ended well: a line, as it is another measure.
        if (lane.succeeded.some((value) => value > 1)) {
            context.strokeStyle = colours.text;
            context.beginPath();
            lane.succeeded.forEach((value, index) => {
                const y = base - (value / best) * high;
                if (index === 0) context.moveTo(this.#label + step / 2, y);
                else context.lineTo(this.#label + (index + 0.5) * step, y);
            });
            context.stroke();
        }
    }

    #item({ top, height, bar }) {
        this.#spans(bar, top, height);
        if (height >= KEY_MIN) this.#words(visible(bar.key, { max: 40 }), 14, top + height / 2, palette().quiet);
    }

    #spans(bar, top, height) {
        const { context } = this;
        const { tones, states } = palette();
        const tall = height - (height > 6 ? 3 : 1);
        for (const { kind, from, to, end } of bar.spans) {
            const left = this.#place(from);
            const wide = Math.max(2, this.#place(to ?? this.props.timeline.known) - left);
            const look = ENDS[end?.split(".").at(-1)];
            if (kind === "attempt") {
                context.fillStyle = look === "off" ? states[8] : tones[look ?? "go"];
                context.fillRect(left, top, wide, tall);
                // A failure has a shape too.
                if (look === "bad" && wide >= tall + 2 && tall > 6) {
                    context.strokeStyle = palette().ground;
                    const right = left + wide - 2;
                    this.#line(right, top + 2, right - tall + 4, top + tall - 2);
                    this.#line(right, top + tall - 2, right - tall + 4, top + 2);
                }
            } else if (kind === "retry_wait") {
                context.fillStyle = this.#hatch;
                context.fillRect(left, top, wide, tall);
            } else {
                context.strokeStyle = kind === "queue" ? palette().quiet : tones.ask;
                context.setLineDash(kind === "queue" ? [2, 2] : []);
                if (kind === "queue") this.#line(left, top + tall / 2, left + wide, top + tall / 2);
                else context.strokeRect(left + 0.5, top + 0.5, wide - 1, tall - 1);
                context.setLineDash([]);
            }
        }
    }

    // What the pointer does.

    #rowAt(event) {
        const { y } = this.at(event);
        return this.#rows.find(({ top, height }) => y >= top && y < top + height);
    }

    #moved(event) {
        if (this.#from !== null) {
            this.#to = this.#x(event);
            this.redraw();
        }
        const row = this.#rowAt(event);
        this.canvas.style.cursor = row?.bar ? "pointer" : "";
        this.tell(event, row && (row.bar ? this.#aboutBar(row, event) : this.#aboutLane(row.lane, event)));
    }

    #aboutBar({ lane, bar }, event) {
        const at = this.#timeAt(this.#x(event));
        const { known } = this.props.timeline;
        const span = bar.spans.findLast(({ from }) => Date.parse(from) <= at) ?? bar.spans[0];
        const length = Date.parse(span.to ?? known) - Date.parse(span.from);
        return `${visible(bar.key ?? lane.node, { max: 80 })} · ${spanWords(span)} · `
            + `${moment(span.from, { milliseconds: true })}, ${duration(length)}`;
    }

    #aboutLane(lane, event) {
        if (this.at(event).x < this.#label) return null;
        const x = this.#x(event);
        const bucket = Math.min(lane.running.length - 1, Math.floor((x / this.#width) * lane.running.length));
        const at = moment(new Date(this.#timeAt(x)).toISOString(), { milliseconds: true });
        const of = (values) => count(values[bucket]);
        return `${visible(lane.node)} ${at} · ${of(lane.running)} running and ${of(lane.waiting)} waiting at most, `
            + `${of(lane.started)} began, ${of(lane.succeeded)} done, ${of(lane.failed)} failed`;
    }

    #dropped() {
        this.#from = this.#to = null;
        this.redraw();
    }

    #released(event) {
        const [from, to, isDragged] = [this.#from, this.#to, this.#isDragged];
        this.#dropped();
        if (isDragged) this.props.onzoom(this.#timeAt(Math.min(from, to)), this.#timeAt(Math.max(from, to)));
        else if (from !== null) {
            const row = this.#rowAt(event);
            if (row?.bar) this.props.onopen(row.lane.node, row.bar.key);
        }
    }
}

/** Lines aslant: waiting is told from running without its colour. */
function hatch(context, colour) {
    const tile = document.createElement("canvas");
    tile.width = tile.height = 4;
    const lines = tile.getContext("2d");
    lines.strokeStyle = colour;
    lines.lineWidth = 1.5;
    lines.beginPath();
    for (const x of [-4, 0, 4]) {
        lines.moveTo(x - 1, 5);
        lines.lineTo(x + 5, -1);
    }
    lines.stroke();
    return context.createPattern(tile, "repeat");
}
