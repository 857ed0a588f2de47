// What a run did over time: a row for each node, drawn as areas of what ran, ended and failed.

import { count, moment, visible } from "../format.js";
import { onThemeChange, palette } from "./colours.js";

const ROW = 46;
const LABEL = 150;
const AXIS = 22;
const TICKS = 6;
const DRAG_MIN = 4;

/** Props: `timeline`: the answer of the service; `onzoom(from, to)`: milliseconds; `label`. */
export class Timeline {
    element;
    #props;
    #canvas;
    #context;
    #tip;
    #observer;
    #stopTheme;
    #from = null;
    #to = null;

    constructor(props) {
        this.#props = props;
        this.element = document.createElement("div");
        this.element.className = "timeline";
        this.#canvas = document.createElement("canvas");
        this.#canvas.setAttribute("role", "img");
        this.#tip = document.createElement("div");
        this.#tip.className = "tip";
        this.#tip.hidden = true;
        this.element.append(this.#canvas, this.#tip);
        this.#context = this.#canvas.getContext("2d");
        this.#observer = new ResizeObserver(() => this.#draw());
        this.#observer.observe(this.element);
        this.#stopTheme = onThemeChange(() => this.#draw());
        this.#canvas.addEventListener("pointerdown", (event) => {
            this.#from = this.#to = this.#x(event);
            this.#canvas.setPointerCapture(event.pointerId);
        });
        this.#canvas.addEventListener("pointermove", (event) => this.#moved(event));
        this.#canvas.addEventListener("pointerup", () => this.#released());
        this.#canvas.addEventListener("pointerleave", () => (this.#tip.hidden = true));
        this.update(props);
    }

    remove() {
        this.#observer.disconnect();
        this.#stopTheme();
    }

    update(props) {
        const isSame = this.#props.timeline === props.timeline && this.#canvas.width > 0;
        this.#props = props;
        this.#canvas.setAttribute("aria-label", props.label);
        if (!isSame || !this.#canvas.style.height) this.#draw();
    }

    get #label() {
        return this.element.clientWidth < 600 ? 90 : LABEL;
    }

    get #width() {
        return Math.max(1, this.element.clientWidth - this.#label);
    }

    #x(event) {
        return Math.max(
            0,
            Math.min(this.#width, event.clientX - this.#canvas.getBoundingClientRect().left - this.#label),
        );
    }

    get #range() {
        return [Date.parse(this.#props.timeline.from), Date.parse(this.#props.timeline.to)];
    }

    #timeAt(x) {
        const [from, to] = this.#range;
        return from + (x / this.#width) * (to - from);
    }

    #draw() {
        const { timeline } = this.#props;
        const width = this.element.clientWidth;
        if (!width) return;
        const height = AXIS + timeline.lanes.length * ROW;
        const scale = devicePixelRatio;
        this.#canvas.width = Math.round(width * scale);
        this.#canvas.height = Math.round(height * scale);
        this.#canvas.style.height = `${height}px`;
        const context = this.#context;
        context.setTransform(scale, 0, 0, scale, 0, 0);
        context.clearRect(0, 0, width, height);
        context.font = getComputedStyle(this.element).font;
        context.textBaseline = "middle";
        this.#bands(height);
        this.#axis(height);
        timeline.lanes.forEach((lane, index) => this.#lane(lane, AXIS + index * ROW));
        if (this.#from !== null && Math.abs(this.#to - this.#from) >= DRAG_MIN) {
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

    #place(milliseconds) {
        const [from, to] = this.#range;
        return this.#label + Math.max(0, Math.min(1, (milliseconds - from) / Math.max(1, to - from))) * this.#width;
    }

    /** Pauses are hatched, restarts of ren are lines. */
    #bands(height) {
        const { pauses, restarts } = this.#props.timeline;
        const context = this.#context;
        for (const { from, to } of pauses) {
            const left = this.#place(Date.parse(from));
            const right = this.#place(to ? Date.parse(to) : this.#range[1]);
            context.fillStyle = palette().band;
            context.fillRect(left, AXIS, Math.max(1, right - left), height - AXIS);
        }
        context.strokeStyle = palette().tones.ask;
        context.setLineDash([3, 3]);
        for (const restart of restarts) {
            const x = Math.round(this.#place(Date.parse(restart))) + 0.5;
            context.beginPath();
            context.moveTo(x, AXIS - 4);
            context.lineTo(x, height);
            context.stroke();
        }
        context.setLineDash([]);
    }

    #axis(height) {
        const context = this.#context;
        const ticks = Math.max(2, Math.min(TICKS, Math.floor(this.#width / 110)));
        const [from, to] = this.#range;
        context.strokeStyle = palette().line;
        context.fillStyle = palette().quiet;
        for (let index = 0; index <= ticks; index += 1) {
            const x = Math.round(this.#label + (index / ticks) * this.#width) - 0.5;
            context.beginPath();
            context.moveTo(x, AXIS - 4);
            context.lineTo(x, height);
            context.stroke();
            const time = new Date(from + (index / ticks) * (to - from)).toISOString();
            context.textAlign = index === 0 ? "left" : index === ticks ? "right" : "center";
            context.fillText(moment(time, { milliseconds: to - from < 10_000 }), x, AXIS / 2 - 1);
        }
        context.textAlign = "left";
    }

    #lane(lane, top) {
        const context = this.#context;
        const colours = palette();
        const step = this.#width / lane.running.length;
        const most = Math.max(1, ...lane.running, ...lane.failed);
        const base = top + ROW - 6;
        const high = ROW - 14;
        const area = (values, colour) => {
            context.fillStyle = colour;
            values.forEach((value, index) => {
                if (!value) return;
                const tall = Math.max(2, (value / most) * high);
                context.fillRect(this.#label + index * step, base - tall, Math.max(1, step - (step > 6 ? 1 : 0)), tall);
            });
        };
        area(lane.running, colours.tones.go);
        area(lane.failed, colours.tones.bad);
        // What ended well: a line, as it is another measure.
        const best = Math.max(1, ...lane.succeeded);
        if (lane.succeeded.some((value) => value > 1)) {
            context.strokeStyle = colours.text;
            context.lineWidth = 1.5;
            context.beginPath();
            lane.succeeded.forEach((value, index) => {
                const y = base - (value / best) * high;
                if (index === 0) context.moveTo(this.#label + step / 2, y);
                else context.lineTo(this.#label + (index + 0.5) * step, y);
            });
            context.stroke();
            context.lineWidth = 1;
        }
        context.strokeStyle = colours.line;
        context.beginPath();
        context.moveTo(0, top + ROW - 0.5);
        context.lineTo(this.#label + this.#width, top + ROW - 0.5);
        context.stroke();
        context.fillStyle = colours.text;
        context.save();
        context.beginPath();
        context.rect(0, top, this.#label - 8, ROW);
        context.clip();
        context.fillText(visible(lane.node, { max: 40 }), 4, top + 16);
        context.fillStyle = colours.quiet;
        const total = lane.succeeded.reduce((sum, value) => sum + value, 0);
        const failed = lane.failed.reduce((sum, value) => sum + value, 0);
        context.fillText(`${count(total)} done${failed ? `, ${count(failed)} failed` : ""}`, 4, top + 32);
        context.restore();
    }

    #moved(event) {
        const x = this.#x(event);
        if (this.#from !== null) {
            this.#to = x;
            this.#draw();
        }
        const box = this.#canvas.getBoundingClientRect();
        const lane = this.#props.timeline.lanes[Math.floor((event.clientY - box.top - AXIS) / ROW)];
        if (!lane || event.clientX - box.left < this.#label) {
            this.#tip.hidden = true;
            return;
        }
        const bucket = Math.min(lane.running.length - 1, Math.floor((x / this.#width) * lane.running.length));
        const at = moment(new Date(this.#timeAt(x)).toISOString(), { milliseconds: true });
        const of = (values) => count(values[bucket]);
        this.#tip.textContent = `${visible(lane.node)} ${at} · ${of(lane.running)} running at most, `
            + `${of(lane.started)} began, ${of(lane.succeeded)} done, ${of(lane.failed)} failed`;
        this.#tip.hidden = false;
        const left = Math.min(event.clientX - box.left + 12, Math.max(0, box.width - 320));
        this.#tip.style.transform = `translate(${left}px, ${event.clientY - box.top + 14}px)`;
    }

    #released() {
        const [from, to] = [this.#from, this.#to];
        this.#from = this.#to = null;
        if (from !== null && Math.abs(to - from) >= DRAG_MIN) {
            this.#props.onzoom(this.#timeAt(Math.min(from, to)), this.#timeAt(Math.max(from, to)));
        } else this.#draw();
    }
}
