/** Settles at the first Ctrl-C or SIGTERM. A second one ends the process at once, for a person who does not want to wait. */
export function untilStopped(): Promise<void> {
  return new Promise((settle) => {
    const stop = (): void => {
      process.once("SIGINT", () => process.exit(130));
      process.once("SIGTERM", () => process.exit(143));
      settle();
    };
    process.once("SIGINT", stop);
    process.once("SIGTERM", stop);
  });
}
