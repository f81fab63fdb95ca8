// The same, for a Node that can read TypeScript.
import "./main.mjs";
