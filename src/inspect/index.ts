export { inspect } from "./inspect.js";
export type { InspectEvent, InspectOptions } from "./inspect-options.js";
export type { Inspection, InspectionProblem } from "./inspection.js";
