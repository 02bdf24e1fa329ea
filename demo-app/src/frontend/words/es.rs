//! The shop's texts in Spanish.

use super::table::{ScenarioWords, StepWords, Words};

pub(super) const WORDS: Words = Words {
    skip_to_content: "Saltar al contenido",
    main_nav: "Principal",
    products: "Productos",
    workshop: "Taller",
    console: "Consola",
    language: "Idioma",
    dark_or_light: "Oscuro o claro",
    copy: "Copiar",
    copied: "Copiado",

    architecture: "Arquitectura",
    architecture_note: "lo que encontraron las peticiones de los últimos 30 segundos",
    browser: "Navegador",
    you: "tú",
    native_layer: "capa nativa",
    daemon_takes: "segmentos de cada servicio",
    console_port: "consola",
    same_drawing: "El mismo dibujo, de arriba abajo",
    no_calls: "sin llamadas",
    unreachable: "sin conexión",
    timeout: "sin respuesta",
    refused: "error SQL",

    catalog: "Catálogo de productos",
    product_id: "ID de producto",
    product_name: "Nombre",
    name: "Nombre del producto",
    actions: "Acciones",
    add: "Añadir",
    save: "Guardar",
    cancel: "Cancelar",
    new: "nuevo",
    no_products: "No hay productos en el catálogo",
    previous: "Anterior",
    next: "Siguiente",
    bad_id: "un número, de 1 a 999 999 999",
    name_empty: "un nombre tiene al menos un carácter",
    name_too_long: "un nombre tiene como máximo 80 caracteres",
    name_control: "un nombre no tiene caracteres de control",

    detail: "Detalle del catálogo",
    version: "versión",
    vendors: "Proveedores:",
    insert_products: "Insertar productos",
    how_many: "Cuántos",
    insert: "Insertar",
    stop: "Parar",
    inserting: "Insertando productos",
    insert_note: "12 por segundo, cada uno con su traza",
    bad_count: "un número entero, de 1 a 500",

    break_something: "Rompe algo",
    reset_all: "Restablecer",
    look_for: "Busca",
    on_since: "activo desde las",
    see_on_map: "Verlo en el mapa",
    scenarios: [
        ScenarioWords {
            title: "Detalle que falla",
            what: "Product-Detail responde 500.",
            look_for: "rojo que empieza en Product-Detail y te llega como 502.",
        },
        ScenarioWords {
            title: "Base de datos que falla",
            what: "Falla una de cada dos sentencias.",
            look_for: "rojo en products; el SQL y la excepción en una traza.",
        },
        ScenarioWords {
            title: "Detalle lento",
            what: "Product-Detail tarda 1,2 s más.",
            look_for: "nada rojo; otra joroba en el histograma de Product-Catalog.",
        },
        ScenarioWords {
            title: "Catálogo limitado",
            what: "429 por encima de 2 peticiones por segundo.",
            look_for: "violeta en Product-Catalog y reintentos de Frontend.",
        },
        ScenarioWords {
            title: "Tiempos de espera",
            what: "Product-Detail nunca responde.",
            look_for: "504 y servicios que se cansan a los 2 s.",
        },
        ScenarioWords {
            title: "Mal despliegue de v2",
            what: "Product-Detail-V2 responde 500.",
            look_for: "rojo solo en Product-Detail-V2. Compara antes y después.",
        },
    ],

    last_action: "Última acción",
    trace: "traza",
    see_its_trace: "Ver su traza",
    undo: "Deshacer",
    nothing_yet: "Añade, edita o rompe algo: su traza aparece aquí",
    untraced: "sin traza: no hay daemon",

    trace_heading: "Traza",
    see_the_trace: "Ver la traza",
    copy_id: "Copiar el ID",
    try_again: "Reintentar",
    back_to_products: "Volver a los productos",
    where_it_broke: "Dónde falló",
    what_services_said: "Qué dijeron los servicios",
    reset_it: "Restablécelo",
    products_safe: "Tus productos están a salvo.",
    nothing_saved: "No se ha guardado nada.",
    maybe_saved: "No se sabe si se guardó; mira la lista antes de reintentar.",
    not_found_title: "Esa página no existe",
    not_found_lead: "La dirección no es de la tienda.",

    tour_intro: "Cinco pasos, unos 15 minutos. Cada uno se comprueba solo y se marca al terminar.",
    steps_done: "Pasos hechos",
    here: "Aquí",
    in_terminal: "O en una terminal",
    checks: "Comprobaciones",
    open_list: "Abrir la lista de productos",
    skip: "Saltar",
    skipped: "saltado",
    start_over: "Empezar de nuevo",
    start_over_note: "Empezar de nuevo también restablece los fallos y borra los productos que insertaste.",
    all_done: "Esto era el taller",
    all_done_note: "Has seguido una petición del navegador a la base de datos, has encontrado dónde \
                    empieza un fallo y has buscado trazas por su contenido.",
    steps: [
        StepWords {
            title: "Insertar productos",
            teaser: "diez",
            text: "Añade diez productos, uno a uno en la página de productos o todos a la vez. Cada uno \
                   será una traza.",
            button: "Insertar 10 productos",
            hint_title: "¿Por qué tiene traza cada uno?",
            hint: "La mayoría de las peticiones no la tienen: solo la primera de cada segundo y el 5 % \
                   del resto. Lo que cambia productos cae en una regla propia, workshop-actions, con \
                   una tasa del 100 %.",
        },
        StepWords {
            title: "Encontrar la traza",
            teaser: "de tu última acción",
            text: "Sigue el enlace al pie de la página de productos, Ver su traza. La línea de tiempo \
                   muestra qué hizo cada servicio y cuánto tardó la base de datos.",
            button: "Abrir la traza de tu última acción",
            hint_title: "¿De dónde sale el ID?",
            hint: "Lo crea Frontend cuando llega tu petición y lo pasa en la cabecera X-Amzn-Trace-Id. \
                   También lo muestra cada respuesta.",
        },
        StepWords {
            title: "Romper el servicio de detalle",
            teaser: "y ver quién falla con él",
            text: "Haz que Product-Detail responda 500 y abre la lista de productos. La página falla y \
                   dice qué traza mirar.",
            button: "Romper Product-Detail",
            hint_title: "¿Por qué falla también quien llama?",
            hint: "El catálogo pregunta dos veces y luego responde 500. Un fallo sube hasta el primer \
                   servicio que puede pasar sin la respuesta; aquí no puede ninguno.",
        },
        StepWords {
            title: "Encontrar el fallo en el mapa",
            teaser: "¿en qué nodo empieza?",
            text: "Abre el mapa de servicios. Hay varios nodos en rojo. ¿En cuál empieza el fallo?",
            button: "Abrir el mapa",
            hint_title: "¿Cómo se ve?",
            hint: "Sigue las líneas rojas desde el cliente. El último nodo respondió el error; los demás \
                   lo pasaron.",
        },
        StepWords {
            title: "Filtrar por anotación",
            teaser: "annotation.product_id",
            text: "Los servicios anotan el ID del producto en cada segmento. Filtra por él la lista de \
                   trazas y pega el ID de una de las que encuentres.",
            button: "Abrir la lista de trazas",
            hint_title: "¿Por qué más se puede filtrar?",
            hint: "service(\"Product-Catalog\") { fault }, responsetime > 1, http.url CONTAINS \
                   \"products\"; unidos con AND y OR.",
        },
    ],
};
