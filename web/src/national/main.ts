import { mount } from 'svelte';
import '../kit/theme.css';
import { addMessages, startLanguage } from '../kit/i18n.ts';
import en from '../kit/locales/national.en.json';
import ko from '../kit/locales/national.ko.json';
import staffEn from '../kit/locales/staff.en.json';
import staffKo from '../kit/locales/staff.ko.json';
import App from './App.svelte';

addMessages({ ko: { ...staffKo, ...ko }, en: { ...staffEn, ...en } });
startLanguage();
mount(App, { target: document.getElementById('app') as HTMLElement });
