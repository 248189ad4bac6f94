import { expect, test } from "vitest";
import { closePage, missing, open } from "./support/browsers.ts";
import { serve } from "./support/server.ts";

// Only Chromium records long tasks. A machine with no core to spare delays any task, so one more try is granted.
const reason = missing("chromium");

test.skipIf(reason)(
  `chromium: loading and training never block the page's thread for 50 ms${reason && `: ${reason}`}`,
  { retry: 2 },
  async () => {
    const server = await serve();
    const { page, errors } = await open("chromium", `${server.origin}/empty.html`);
    try {
      const result = (await page.evaluate(
        `import("/test/browser/pages/blocking.js").then(({ train }) => train())`,
      )) as Record<"loading" | "training" | "known", number[]> & { trainedSamples: number };
      expect(result.known).toHaveLength(1);
      expect(result.trainedSamples).toBeGreaterThan(1000);
      expect({ loading: result.loading, training: result.training }).toEqual({ loading: [], training: [] });
      expect(errors).toEqual([]);
    } finally {
      await closePage(page);
      await server.close();
    }
  },
);
