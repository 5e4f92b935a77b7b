/** Whether PostgreSQL refused a row because another has the same key (SQLSTATE 23505, unique_violation). */
export function isUniqueViolation(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === "23505";
}
