export type StreamItem = { id: number; type: string; envelope: string };
export type Stream = { items: StreamItem[]; stop(): void };

/** Follows the API's server-sent events from the first one on. */
export function followStream(api_url: string, token: string): Stream {
  const ending = new AbortController();
  const items: StreamItem[] = [];
  const read = async (): Promise<void> => {
    const response = await fetch(new URL("/v1/events?after=0", api_url), {
      headers: { authorization: `Bearer ${token}`, accept: "text/event-stream" },
      signal: ending.signal,
    });
    let rest = "";
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      const blocks = (rest + chunk).split("\n\n");
      rest = blocks.pop()!;
      for (const block of blocks) if (!block.startsWith(":")) items.push(itemOf(block));
    }
  };
  // It ends with the registry, or with `stop`; what was missed by then shows in `items`.
  read().catch(() => undefined);
  return { items, stop: () => ending.abort() };
}

function itemOf(block: string): StreamItem {
  const fields = new Map(block.split("\n").map((line) => line.split(/: (.*)/s, 2) as [string, string]));
  return {
    id: Number(fields.get("id")),
    type: fields.get("event") ?? "",
    envelope: fields.get("data") ?? "",
  };
}
