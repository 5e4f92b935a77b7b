import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

/** Everything is served from one origin; assets carry their content's hash in their names, so that they may be cached for ever. */
export default defineConfig({
  plugins: [react()],
  base: "/",
  build: {
    outDir: "dist-page",
    emptyOutDir: true,
    // A data: address would need an exception in the content security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  // The responder puts a fresh value here with every answer; see src/serve-dashboard.ts.
  html: { cspNonce: "SIGNET_PAGE_NONCE" },
});
