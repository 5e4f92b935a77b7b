export { buildDashboard, dashboardRootDir, isDashboardStale } from "./page-folder.ts";
export { type DashboardAnswer, serveDashboard } from "./serve-dashboard.ts";
