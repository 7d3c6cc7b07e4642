/** The page: its frame, and which view is shown. */
import "@fontsource-variable/inter/wght.css";
import "@fontsource-variable/jetbrains-mono/wght.css";
import "./style/base.css";
import "./style/list.css";
import "./style/graph.css";
import "./style/execution.css";
import { render } from "preact";
import { useState } from "preact/hooks";
import { ExecutionView } from "./execution";
import { Icon } from "./icons";
import { ListView } from "./list";
import { current, follow, useRoute } from "./route";
import { setup } from "./server";

function ThemeButton() {
  const dark = () =>
    (document.documentElement.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const [isDark, setDark] = useState(dark);
  const toggle = () => {
    const theme = isDark ? "light" : "dark";
    document.documentElement.dataset.theme = theme;
    localStorage.setItem("theme", theme);
    setDark(!isDark);
  };
  return (
    <button type="button" class="icon-button" onClick={toggle} aria-label={isDark ? "Use light colours" : "Use dark colours"}>
      <Icon name={isDark ? "sun" : "moon"} />
    </button>
  );
}

function App() {
  const { arn } = useRoute();
  return (
    <>
      <a class="skip" href="#content">
        Skip to the content
      </a>
      <header class="top">
        <a class="brand" href="/" onClick={follow}>
          <img src="/assets/icon.svg" alt="" width="24" height="24" />
          Executions
        </a>
        <span class="place" title="Where these executions are">
          {setup.place}
          {setup.readOnly && " · read-only"}
        </span>
        <ThemeButton />
      </header>
      <main id="content" tabIndex={-1}>
        {arn ? <ExecutionView key={arn} arn={arn} /> : <ListView />}
      </main>
    </>
  );
}

document.title = current().arn ? "Execution" : "Executions";
render(<App />, document.getElementById("app") as HTMLElement);
