// Files for the user to keep.

/** Hands a file to the user. */
export function save(blob, name) {
    const anchor = document.createElement("a");
    anchor.href = URL.createObjectURL(blob);
    anchor.download = name.replace(/[^\w.-]+/g, "-");
    anchor.click();
    setTimeout(() => URL.revokeObjectURL(anchor.href), 10_000);
}

export async function saveBytes(api, href, name) {
    const { bytes } = await api.bytes(href);
    save(new Blob([bytes]), name);
}
