// GraphiQL for fraiseql. What the server has to say stands in the attributes of
// #graphiql (see page.html): there is no inline script, so the page needs none
// of the holes in its Content-Security-Policy that one would need.
import 'graphiql/style.css';
import './main.css';

import { useGraphiQL, useGraphiQLActions } from '@graphiql/react';
import { GraphiQL } from 'graphiql';
import { createElement as h, useEffect, useSyncExternalStore } from 'react';
import { createRoot } from 'react-dom/client';

import { fetcher, lastAnswer, onAnswer } from './fetcher.js';

const root = document.getElementById('graphiql');
const { title, endpoint, query, headers } = root.dataset;
const workers = JSON.parse(root.dataset.workers);

// Monaco asks for a worker by the name of the language; any other it may ask
// for is the editor's own.
globalThis.MonacoEnvironment = {
  getWorker: (_id, label) =>
    new Worker(new URL(workers[label] ?? workers.editor, document.baseURI), { type: 'module', name: label }),
};

// Answer tells what the last answer was: its status, how long it took and its size.
function Answer() {
  return h('output', { className: 'answer' }, useSyncExternalStore(onAnswer, lastAnswer));
}

// SystemTheme has the editors follow the system from light to dark and back
// while the page is open, as the rest of GraphiQL does by itself.
function SystemTheme() {
  const theme = useGraphiQL((state) => state.theme);
  const { setTheme } = useGraphiQLActions();
  useEffect(() => {
    if (theme) return undefined; // the user has chosen one
    const dark = matchMedia('(prefers-color-scheme: dark)');
    const follow = () => setTheme(null);
    dark.addEventListener('change', follow);
    return () => dark.removeEventListener('change', follow);
  }, [theme, setTheme]);
  return null;
}

const icon = document.querySelector('link[rel=icon]').href;

createRoot(root).render(
  h(
    GraphiQL,
    {
      fetcher: fetcher(endpoint),
      defaultQuery: query,
      defaultHeaders: headers || undefined,
      // Headers hold credentials: they are kept only if a user says so in the settings.
      shouldPersistHeaders: false,
      showPersistHeadersSettings: true,
      inputValueDeprecation: true,
      schemaDescription: true,
    },
    h(GraphiQL.Logo, null, h('span', { className: 'logo' }, h('img', { src: icon, alt: '' }), title)),
    h(GraphiQL.Footer, null, h(Answer), h(SystemTheme)),
  ),
);
