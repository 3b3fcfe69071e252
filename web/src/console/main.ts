import { mount } from 'svelte';
import '../kit/theme.css';
import { addMessages, startLanguage } from '../kit/i18n.ts';
import en from '../kit/locales/console.en.json';
import ko from '../kit/locales/console.ko.json';
import App from './App.svelte';

addMessages({ ko, en });
startLanguage();
mount(App, { target: document.getElementById('app') as HTMLElement });
