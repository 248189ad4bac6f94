import { svelte } from "@sveltejs/vite-plugin-svelte";
import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vite";
import solid from "vite-plugin-solid";

const APPS = ["plain", "preact", "react", "solid", "svelte", "vue"];

/** Six applications in one build. Nothing here is about wasmgrad but that Vue is told which tags are no components. */
export default defineConfig({
  base: "./",
  plugins: [
    vue({ template: { compilerOptions: { isCustomElement: (tag) => tag === "wasmgrad-trainer" } } }),
    svelte({ configFile: false }),
    solid({ include: ["solid/**"] }),
  ],
  build: {
    target: "es2022",
    minify: false,
    rolldownOptions: { input: APPS.map((name) => `${name}/index.html`) },
  },
});
