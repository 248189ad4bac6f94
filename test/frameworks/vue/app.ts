import { createApp } from "vue";
import "wasmgrad/element/vue";
import App from "./App.vue";

const app = createApp(App);
app.config.warnHandler = (message) => console.error(message);
app.mount("#app");
