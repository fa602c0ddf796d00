import { render } from 'preact';
import { App } from './app';
import { followThroughout } from './ingest';
import './styles/fonts.css';
import './styles/base.css';
import './styles/parts.css';
import './styles/views.css';

render(<App />, document.getElementById('app') as HTMLElement);
followThroughout();
