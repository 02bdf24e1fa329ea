//! The shop's texts in English.

use super::table::{ScenarioWords, StepWords, Words};

pub(super) const WORDS: Words = Words {
    skip_to_content: "Skip to content",
    main_nav: "Main",
    products: "Products",
    workshop: "Workshop",
    console: "Console",
    language: "Language",
    dark_or_light: "Dark or light",
    copy: "Copy",
    copied: "Copied",

    architecture: "Architecture",
    architecture_note: "what the last 30 seconds of requests met on their way",
    browser: "Browser",
    you: "you",
    native_layer: "native layer",
    daemon_takes: "segments from every service",
    console_port: "console",
    same_drawing: "The same drawing, top to bottom",
    no_calls: "no calls",
    unreachable: "unreachable",
    timeout: "timeout",
    refused: "SQL error",

    catalog: "Product Catalog",
    product_id: "Product ID",
    product_name: "Product Name",
    name: "Product name",
    actions: "Actions",
    add: "Add",
    save: "Save",
    cancel: "Cancel",
    new: "new",
    no_products: "No Products found in the Product Catalog",
    previous: "Previous",
    next: "Next",
    bad_id: "a number, 1 to 999,999,999",
    name_empty: "a name has at least one character",
    name_too_long: "a name has at most 80 characters",
    name_control: "a name has no control characters",

    detail: "Catalog Detail",
    version: "version",
    vendors: "Vendors:",
    insert_products: "Insert products",
    how_many: "How many",
    insert: "Insert",
    stop: "Stop",
    inserting: "Inserting products",
    insert_note: "12 a second, each with a trace of its own",
    bad_count: "a whole number, 1 to 500",

    break_something: "Break something",
    reset_all: "Reset all",
    look_for: "Look for",
    on_since: "on since",
    see_on_map: "See it on the map",
    scenarios: [
        ScenarioWords {
            title: "Failing detail",
            what: "Product-Detail answers 500.",
            look_for: "red that starts at Product-Detail and reaches you as a 502.",
        },
        ScenarioWords {
            title: "Failing database",
            what: "Every second statement fails.",
            look_for: "red on products; the SQL and the exception in a trace.",
        },
        ScenarioWords {
            title: "Slow detail",
            what: "Product-Detail takes 1.2 s longer.",
            look_for: "no red; a second hump in Product-Catalog’s histogram.",
        },
        ScenarioWords {
            title: "Throttled catalog",
            what: "429 above 2 requests a second.",
            look_for: "violet on Product-Catalog, and Frontend trying again.",
        },
        ScenarioWords {
            title: "Timeouts",
            what: "Product-Detail never answers.",
            look_for: "504, and callers that gave up after 2 s.",
        },
        ScenarioWords {
            title: "Bad deploy of v2",
            what: "Product-Detail-V2 answers 500.",
            look_for: "red on Product-Detail-V2 alone. Compare before with after.",
        },
    ],

    last_action: "Last action",
    trace: "trace",
    see_its_trace: "See its trace",
    undo: "Undo",
    nothing_yet: "Add, edit or break something: its trace appears here",
    untraced: "not traced: no daemon",

    trace_heading: "Trace",
    see_the_trace: "See the trace",
    copy_id: "Copy id",
    try_again: "Try again",
    back_to_products: "Back to the products",
    where_it_broke: "Where it broke",
    what_services_said: "What the services said",
    reset_it: "Reset it",
    products_safe: "Your products are safe.",
    nothing_saved: "Nothing was saved.",
    maybe_saved: "Whether it was saved is not known; look at the list before you try again.",
    not_found_title: "There is no such page",
    not_found_lead: "The address is not one of the shop’s.",

    tour_intro: "Five steps, about 15 minutes. Each one checks itself and ticks when you have done it.",
    steps_done: "Steps done",
    here: "Here",
    in_terminal: "Or in a terminal",
    checks: "Checks",
    open_list: "Open the product list",
    skip: "Skip",
    skipped: "skipped",
    start_over: "Start over",
    start_over_note: "Starting over also resets faults and deletes the products you inserted.",
    all_done: "That was the workshop",
    all_done_note: "You have followed a request from the browser to the database, found where a fault \
                    starts, and asked for traces by what they are about.",
    steps: [
        StepWords {
            title: "Insert products",
            teaser: "ten of them",
            text: "Add ten products, one by one on the product page or all at once. Each one becomes a \
                   trace.",
            button: "Insert 10 products",
            hint_title: "Why is each of them traced?",
            hint: "Most requests are not: the first of each second is, and 5% of the rest. What \
                   changes products falls under a rule of its own, workshop-actions, with a rate of \
                   100%.",
        },
        StepWords {
            title: "Find the trace",
            teaser: "of your last action",
            text: "Follow the link at the foot of the product page, See its trace. The timeline shows \
                   what each service did and how long the database took.",
            button: "Open the trace of your last action",
            hint_title: "Where does the id come from?",
            hint: "Frontend makes it when your request arrives, and passes it on in the header \
                   X-Amzn-Trace-Id. Every response shows it as well.",
        },
        StepWords {
            title: "Break the detail service",
            teaser: "and see who fails with it",
            text: "Make Product-Detail answer 500 and open the product list. The page fails, and says \
                   which trace to look at.",
            button: "Break Product-Detail",
            hint_title: "Why does the caller fail too?",
            hint: "The catalog asks twice, then answers 500 itself. A fault travels up to the first \
                   service that can do without the answer; here nobody can.",
        },
        StepWords {
            title: "Find the fault on the map",
            teaser: "which node does it start at?",
            text: "Open the service map. Several nodes are red. At which one does the fault start?",
            button: "Open the map",
            hint_title: "How do I tell?",
            hint: "Follow the red edges away from the client. The last node on them answered the error; \
                   the others passed it on.",
        },
        StepWords {
            title: "Filter by annotation",
            teaser: "annotation.product_id",
            text: "The services note the product’s id on each segment. Filter the trace list by it and \
                   paste the id of one trace that you found.",
            button: "Open the trace list",
            hint_title: "What else can I filter by?",
            hint: "service(\"Product-Catalog\") { fault }, responsetime > 1, http.url CONTAINS \
                   \"products\"; joined with AND and OR.",
        },
    ],
};
