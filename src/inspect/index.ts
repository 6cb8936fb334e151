export { inspect } from "./inspect.js";
export type { Inspection, InspectionProblem } from "./inspection.js";
export type { InspectEvent, InspectOptions } from "./options.js";
