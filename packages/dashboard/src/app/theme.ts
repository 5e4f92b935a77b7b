import { createTheme, type MantineColorsTuple } from "@mantine/core";

/** The blue of a stamp pad: calm beside the colours of verdicts, and dark enough for text. */
const ink: MantineColorsTuple = ["#eef2f8", "#dbe3ef", "#b6c5de", "#8da5cc", "#6c89bd", "#5777b3", "#4a6da9", "#3a5b92", "#2d4a73", "#1f3757"];
/** Slightly warm greys; the last ones are the dark page. */
const dark: MantineColorsTuple = ["#d3d6db", "#b4b9c1", "#959ca7", "#6d7581", "#444b56", "#353b45", "#262b33", "#1d2128", "#16191f", "#101318"];

export const theme = createTheme({
  primaryColor: "ink",
  primaryShade: { light: 7, dark: 5 },
  colors: { ink, dark },
  defaultRadius: "md",
  fontFamily: "ui-sans-serif, system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Liberation Sans', sans-serif",
  fontFamilyMonospace: "ui-monospace, 'Cascadia Code', 'SF Mono', Menlo, Consolas, 'Liberation Mono', monospace",
  headings: { fontWeight: "620", sizes: { h1: { fontSize: "1.6rem", lineHeight: "1.25" }, h2: { fontSize: "1.08rem", lineHeight: "1.4" }, h3: { fontSize: "0.95rem", lineHeight: "1.4" } } },
  cursorType: "pointer",
  respectReducedMotion: true,
});
